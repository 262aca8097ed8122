// The attention view, part 4: the picture as a file, PNG and SVG: title, text, axes, matrix and colour scale.

const PICTURE = 1000;

// All that the picture holds, in a sheet of PICTURE pixels: { items, height }.
function layOutPicture() {
  const items = [{ text: `${data.model}: ${describeHeads()}`, x: 20, y: 28, size: 18, bold: true }];
  const text = data.tokens.map(print).join(""), line = 110, lines = [];
  for (let i = 0; i < Math.min([...text].length, 4 * line); i += line) lines.push([...text].slice(i, i + line).join(""));
  if ([...text].length > 4 * line) lines[3] = `${lines[3].slice(0, -1)}…`;
  lines.forEach((each, i) => items.push({ text: each, x: 20, y: 54 + 17 * i, size: 13, mono: true }));
  const top = 66 + 17 * lines.length, laid = layOutMatrix(PICTURE - 40);
  for (const item of laid.items) items.push({ ...item, x: item.x + 20, y: item.y + top });
  const ramp = make("canvas"), below = top + PICTURE - 40 + 22;
  ramp.width = 120;
  ramp.height = 10;
  drawRamp(ramp.getContext("2d"));
  items.push({ text: nameLow(), x: 130, y: below + 6, size: 13, anchor: "right" });
  items.push({ image: ramp, x: 140, y: below, width: 240, height: 12 });
  items.push({ text: nameHigh(), x: 390, y: below + 6, size: 13 });
  return { items, height: below + 32 };
}

const paper = () => (isDark() ? "#12151c" : "#ffffff");

function download(name, href) {
  Object.assign(make("a"), { download: name, href }).click();
}

function savePNG() {
  const canvas = make("canvas"), context = canvas.getContext("2d"), { items, height } = layOutPicture();
  canvas.width = 2 * PICTURE;
  canvas.height = 2 * height;
  context.scale(2, 2);
  context.fillStyle = paper();
  context.fillRect(0, 0, PICTURE, height);
  for (const item of items) drawItem(context, item);
  download("attention.png", canvas.toDataURL("image/png"));
}

const escapeXML = (text) => text.replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`).replace(/[^\P{Cc}\n]/gu, "");

function toSVG(item) {
  const box = `x="${item.x}" y="${item.y}" width="${item.width}" height="${item.height ?? item.width}"`;
  if (item.image) return `<image ${box} preserveAspectRatio="none" style="image-rendering: ${item.smooth ? "auto" : "pixelated"}" href="${item.image.toDataURL("image/png")}"/>`;
  if (item.frame) return `<rect ${box} fill="none" stroke="#80808099"/>`;
  const anchor = { left: "start", center: "middle", right: "end" }[item.anchor ?? "left"];
  const style = `font-size="${item.size}" font-family="${item.mono ? "monospace" : "sans-serif"}"${item.bold ? ' font-weight="600"' : ""}`;
  return `<text transform="translate(${item.x} ${item.y}) rotate(${item.angle ?? 0})" text-anchor="${anchor}" dominant-baseline="central" ${style}>${escapeXML(item.text)}</text>`;
}

function saveSVG() {
  const { items, height } = layOutPicture();
  const size = `width="${PICTURE}" height="${height}" viewBox="0 0 ${PICTURE} ${height}"`;
  const title = `<title>${escapeXML(`${data.model}: ${describeHeads()}`)}</title><rect width="100%" height="100%" fill="${paper()}"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size} fill="${inkOfPage()}">${title}${items.map(toSVG).join("\n")}</svg>`;
  download("attention.svg", URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" })));
}
