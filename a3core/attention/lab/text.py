"""What each claim of section 1 says: title, the claim in words, its assumptions, its formula."""

from __future__ import annotations

from typing import NamedTuple


class Statement(NamedTuple):
    """A claim as the panel prints it; all but the titles is Markdown with LaTeX between $ or $$."""

    title: str
    short: str  # of a list
    claim: str
    assumptions: tuple[str, ...]
    formula: str


SCORES = r"Scores are $k_i^\top q$, without $1/\sqrt d$."
STABLE = (
    "The softmax subtracts the largest score first, so it is stable for huge H. A weight too small for a double is 0."
)
ORTHONORMAL = r"The keys are orthonormal, so $n \le d$."
MEANS = r"The means $\mu_i$ of the keys are orthonormal, so $n \le d$."
REDRAWN = "Values are random unit vectors, new in every draw."
KEPT = "Values are random unit vectors, the same in every draw; the keys are drawn anew."
VANISHING = r"The noise $\alpha$ is vanishing: $H\sqrt\alpha \ll 1$."

STATEMENTS = {
    "1.1": Statement(
        "Attention copies a value when one key dominates",
        "One key wins: a copy",
        "The weights are a categorical distribution: positive, with sum one. When one score is far above all others, "
        "its weight goes to one and the output goes to its value. All other keys pointing the opposite way is "
        "sufficient. It is not necessary. Orthogonal keys, or merely smaller scores, do it too at a larger H.",
        (
            SCORES,
            STABLE,
            "Keys have length one and the query is $q = H k_j$.",
            r"The keys' frame is orthonormal, so $n \le d$.",
            REDRAWN,
        ),
        r"$$\alpha_i = \frac{e^{k_i^\top q}}{\sum_l e^{k_l^\top q}}, \qquad "
        r"\alpha_j = \frac{1}{1 + (n-1)\,e^{-H(1-\cos)}}, \qquad "
        r"\sqrt{E\lVert c - v_j\rVert^2} = (1-\alpha_j)\sqrt{\tfrac{n}{n-1}}$$"
        "\n\nHere cos is the cosine of every other key with $k_j$: $-1$ opposite, $0$ orthogonal.",
    ),
    "1.2a": Statement(
        "A projection takes v_a out of the sum v_a + v_b",
        "Projecting picks one value",
        "When $v_a$ and $v_b$ lie in orthogonal subspaces $A$ and $B$, $M s = v_a$ for $s = v_a + v_b$ with $M$ the "
        "projection onto $A$, made from any basis of $A$. The assignment's own matrix, which puts the coefficients of "
        r"$v_a$ into $M$, gives $\sum_i c_i^2 a_i$: right only if every $c_i$ is 0 or 1. Both fail when $A$ and $B$ "
        "are not orthogonal.",
        (
            r"$A$ and $B$ have the same dimension $m$, and $2 m \le d$.",
            "Every direction of $A$ makes the same angle with its partner in $B$; the claim needs 90 degrees.",
            "The $a_i$ are orthonormal for the assignment's matrix; the projection is made from a skewed basis of $A$.",
            "Coefficients are uniform with mean 0 and variance 1; for the control every $c_i$ is 0 or 1.",
        ),
        r"$$M = A\,(A^\top A)^{-1}A^\top, \qquad \lVert M s - v_a\rVert = \cos\theta\,\lVert v_b\rVert$$"
        "\n\n"
        r"$$M' = \sum_i c_i\,\frac{a_i a_i^\top}{a_i^\top a_i}, \qquad "
        r"M' s = \sum_i c_i\,(c_i + \cos\theta\,e_i)\,a_i \;\overset{90^\circ}{=}\; \sum_i c_i^2 a_i$$"
        "\n\n"
        r"with $v_a = \sum_i c_i a_i$, $v_b = \sum_i e_i b_i$, and $\theta$ the angle between $A$ and $B$.",
    ),
    "1.2b": Statement(
        "One query averages two values",
        "One query, two values",
        "$q = H (k_a + k_b)$ gives $a$ and $b$ the same weight and leaves nothing to the others, so the output is the "
        "average of $v_a$ and $v_b$.",
        (SCORES, STABLE, ORTHONORMAL, r"$H \gg \ln n$, or the other keys keep their part.", REDRAWN),
        r"$$q = H\,(k_a + k_b), \qquad \alpha_a = \alpha_b = \frac{e^H}{n - 2 + 2e^H}$$",
    ),
    "1.3a": Statement(
        "Small noise on the keys leaves the average alone",
        "Small noise is harmless",
        r"With keys drawn from $N(\mu_i, \alpha I)$ and vanishing $\alpha$, $q = H (\mu_a + \mu_b)$ still averages. "
        r"Small means $H\sqrt\alpha \ll 1$, while $H \gg \ln n$ keeps the other keys out.",
        (SCORES, STABLE, MEANS, VANISHING, r"$H \gg \ln n$.", KEPT),
        r"$$k_i \sim N(\mu_i, \alpha I), \quad q = H(\mu_a + \mu_b): \qquad "
        r"k_a^\top q - k_b^\top q \sim N(0,\; 4H^2\alpha), \qquad H\sqrt\alpha \ll 1, \quad H \gg \ln n$$",
    ),
    "1.3b": Statement(
        "One long key makes a single head swing",
        "One long key swings it",
        r"With $\Sigma_a = \alpha I + \tfrac12 \mu_a \mu_a^\top$ the key $k_a$ is close to $\gamma \mu_a$, "
        r"$\gamma \sim N(1, \tfrac12)$. Over the draws the output of $q = H (\mu_a + \mu_b)$ swings between $v_a$ "
        r"($\gamma > 1$) and $v_b$ ($\gamma < 1$).",
        (SCORES, STABLE, MEANS, VANISHING, KEPT),
        r"$$k_a \approx \gamma\mu_a, \quad \gamma \sim N(1, \tfrac12): \qquad "
        r"\alpha_a = \frac{e^{\gamma H}}{e^{\gamma H} + e^{H} + n - 2}, \qquad "
        r"P(|\gamma - 1| > \tfrac12) = 2\,\bigl(1 - \Phi(0.5/\sqrt{0.5})\bigr) = 48\,\%$$"
        "\n\n"
        r"With another extra variance $\beta$, $N(1, \beta)$ takes the place of $N(1, \tfrac12)$.",
    ),
    "1.4a": Statement(
        "Two heads average too",
        "Two heads average too",
        r"With $q_1 = H \mu_a$ and $q_2 = H \mu_b$ each head copies one value, and the average of the heads is close "
        "to $(v_a + v_b)/2$.",
        (SCORES, STABLE, MEANS, VANISHING, r"$H \gg \ln n$.", KEPT),
        r"$$q_1 = H\mu_a, \quad q_2 = H\mu_b, \quad c = \tfrac12(c_1 + c_2): \qquad "
        r"\tfrac12\bigl(\alpha^{(1)}_a + \alpha^{(2)}_a\bigr) = \frac{e^H + 1}{2\,(e^H + n - 1)}$$",
    ),
    "1.4b": Statement(
        "Two heads stay near the average where one head swings",
        "Two heads hold steady",
        "Under the covariance of 1.3b head one copies $v_a$ whether $k_a$ is somewhat longer or shorter, so the "
        r"average of two heads varies far less than one head. What the derivation overlooks: $\gamma$ may be near zero "
        "or negative, and then head one fails.",
        (SCORES, STABLE, MEANS, VANISHING, "Head one fails when its weight on $a$ is below one half.", KEPT),
        r"$$P(\text{head one fails}) = P\Bigl(\gamma < \tfrac{\ln(n-1)}{H}\Bigr) = "
        r"\Phi\Bigl(\sqrt2\,\bigl(\tfrac{\ln(n-1)}{H} - 1\bigr)\Bigr) "
        r"\;\xrightarrow{H\to\infty}\; \Phi(-\sqrt2) = 7.9\,\%$$"
        "\n\n"
        r"With another extra variance $\beta$, $1/\sqrt\beta$ takes the place of $\sqrt 2$.",
    ),
}
