// The map of cells: draws what the server sends, and tells it what the pointer did.
// `element`, `props`, `trigger` and `watch` are handed in by the component.
const $ = (what) => element.querySelector(what);
const canvas = $('canvas'), area = $('.map-canvas'), legend = $('.map-legend'), tip = $('.map-tip');
const chosen = $('.map-chosen'), wait = $('.map-wait');
const pen = canvas.getContext('2d');
const dark = () => document.body.classList.contains('dark');
const coarse = matchMedia('(pointer: coarse)').matches;
const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;

let n = 0, total = 0, xy = null, ids = null, mapName = '';
let codes = null, groups = null, scale = null, order = null, prefix = '';
let lit = null, hot = -1, under = -1, described = null, grid = null;
let mode = coarse ? 'move' : 'lasso', zoom = 1, cx = 0.5, cy = 0.5, stroke = null, drag = null;

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const number = (value) => value.toLocaleString('en-US');

// Colours: the palette is safe for colour-blind readers; what would drown in the page is lifted.
function lifted(hex) {
  const c = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const light = (0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]) / 255;
  const [to, by] = dark() ? [255, light < 0.3 ? 0.42 : 0] : [0, light > 0.68 ? 0.14 : 0];
  return `rgb(${c.map((v) => Math.round(v + (to - v) * by)).join(',')})`;
}
const RAMPS = {
  light: [[221, 227, 234], [145, 205, 190], [45, 140, 175], [36, 82, 148], [26, 32, 90]],
  dark: [[58, 68, 84], [40, 98, 150], [52, 160, 170], [160, 214, 160], [252, 246, 190]],
};
function ramp() {
  const stops = dark() ? RAMPS.dark : RAMPS.light, made = [];
  for (let i = 0; i < 255; i++) {
    const at = (i / 254) * (stops.length - 1), a = Math.min(Math.floor(at), stops.length - 2);
    const mix = stops[a].map((v, k) => Math.round(v + (stops[a + 1][k] - v) * (at - a)));
    made.push(`rgb(${mix.join(',')})`);
  }
  return made;
}

// Geometry: the map fills a square of which `zoom`, `cx` and `cy` say what is seen.
const side = () => Math.min(area.clientWidth, area.clientHeight) * 0.95 * zoom;
const toScreen = (x, y) => [area.clientWidth / 2 + (x - cx) * side(), area.clientHeight / 2 - (y - cy) * side()];
const toMap = (px, py) => [cx + (px - area.clientWidth / 2) / side(), cy - (py - area.clientHeight / 2) / side()];
const place = (i) => toScreen(xy[2 * i] / 65535, xy[2 * i + 1] / 65535);
const radius = () => {
  const fit = Math.sqrt((area.clientWidth * area.clientHeight) / Math.max(n, 1)) / 6.5;
  return Math.max(1, Math.min(4.6, fit) * Math.min(Math.sqrt(zoom), 2.5));
};

let planned = false;
function draw() {
  if (planned) return;
  planned = true;
  requestAnimationFrame(() => { planned = false; paint(); });
}

function mark(shape, x, y, r) {
  if (shape === 1) pen.rect(x - r * 0.9, y - r * 0.9, 1.8 * r, 1.8 * r);
  else if (shape === 2) { pen.moveTo(x, y - 1.25 * r); pen.lineTo(x + 1.25 * r, y); pen.lineTo(x, y + 1.25 * r); pen.lineTo(x - 1.25 * r, y); pen.closePath(); }
  else if (shape === 3) { pen.moveTo(x, y - 1.2 * r); pen.lineTo(x + 1.2 * r, y + r); pen.lineTo(x - 1.2 * r, y + r); pen.closePath(); }
  else { pen.moveTo(x + r, y); pen.arc(x, y, r, 0, 6.2832); }
}

function layer(points, colour, shape, r, alpha) {
  pen.globalAlpha = alpha; pen.fillStyle = colour;
  if (r < 1.7) { for (const i of points) { const [x, y] = place(i); pen.fillRect(x - r, y - r, 2 * r, 2 * r); } return; }
  pen.beginPath();
  for (const i of points) { const [x, y] = place(i); mark(shape, x, y, r); }
  pen.fill();
}

function paint() {
  const wide = area.clientWidth, high = area.clientHeight, dense = window.devicePixelRatio || 1;
  if (!wide || !high) return;
  if (canvas.width !== Math.round(wide * dense) || canvas.height !== Math.round(high * dense)) {
    canvas.width = Math.round(wide * dense); canvas.height = Math.round(high * dense);
  }
  pen.setTransform(dense, 0, 0, dense, 0, 0);
  pen.clearRect(0, 0, wide, high);
  if (!xy) return;
  const r = radius(), faint = dark() ? '#4a5568' : '#c5ccd6';
  const shown = (i) => (!lit || lit[i]) && (hot < 0 || (codes && codes[i] === hot));
  const dim = lit || hot >= 0;
  if (dim) {
    const rest = []; for (let i = 0; i < n; i++) if (!shown(i)) rest.push(i);
    layer(rest, faint, 0, r * 0.8, 0.65);
  }
  if (groups) {
    const bins = groups.map(() => []);
    for (let i = 0; i < n; i++) if (!dim || shown(i)) bins[codes[i]]?.push(i);
    bins.forEach((bin, g) => layer(bin, lifted(groups[g].color), groups[g].shape, dim ? r * 1.15 : r, 0.86));
  } else if (scale) {
    const colours = ramp(), bins = colours.map(() => []), unread = [];
    for (let i = 0; i < n; i++) if (!dim || shown(i)) (codes[i] === 255 ? unread : bins[codes[i]]).push(i);
    layer(unread, faint, 0, r * 0.8, 0.4);
    bins.forEach((bin, v) => bin.length && layer(bin, colours[v], 0, dim ? r * 1.15 : r, 0.92));
  } else layer(Array.from({ length: n }, (_, i) => i), faint, 0, r, 0.8);
  pen.globalAlpha = 1;
  if (groups && groups.length <= 40 && hot < 0) names();
  if (under >= 0) {
    const [x, y] = place(under);
    pen.beginPath(); pen.arc(x, y, r + 3, 0, 6.2832);
    pen.lineWidth = 2; pen.strokeStyle = dark() ? '#f8fafc' : '#0f172a'; pen.stroke();
  }
  if (stroke && stroke.length > 1) {
    pen.beginPath(); stroke.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y))); pen.closePath();
    pen.fillStyle = dark() ? 'rgba(94,234,212,.16)' : 'rgba(15,118,110,.12)'; pen.fill();
    pen.setLineDash([6, 4]); pen.lineWidth = 1.8; pen.strokeStyle = dark() ? '#5eead4' : '#0f766e'; pen.stroke(); pen.setLineDash([]);
  }
}

// Names stand at the middle of their group, where they cover no other name.
function names() {
  const boxes = [], font = getComputedStyle(element).fontFamily;
  pen.font = `600 12px ${font}`; pen.textBaseline = 'middle'; pen.textAlign = 'center';
  const ranked = groups.map((g, k) => k).filter((k) => groups[k].middle).sort((a, b) => groups[b].cells - groups[a].cells);
  for (const k of ranked) {
    const text = groups[k].name.length > 24 ? `${groups[k].name.slice(0, 23)}…` : groups[k].name;
    let [x, y] = toScreen(...groups[k].middle);
    const half = pen.measureText(text).width / 2 + 5;
    if (x < 0 || y < 0 || x > area.clientWidth || y > area.clientHeight) continue;
    x = Math.min(Math.max(x, half + 2), area.clientWidth - half - 2);
    const hits = (at) => boxes.some((b) => Math.abs(b[0] - x) < b[2] + half && Math.abs(b[1] - at) < 17);
    const free = [0, 17, -17, 34, -34].map((d) => y + d).find((at) => !hits(at));
    if (free === undefined) continue;
    boxes.push([x, free, half]);
    // A halo as wide as it takes to be read: a box would hide the cells that are named.
    pen.lineJoin = 'round'; pen.lineWidth = 5; pen.globalAlpha = 0.9;
    pen.strokeStyle = dark() ? '#0b1220' : '#ffffff'; pen.strokeText(text, x, free + 0.5);
    pen.globalAlpha = 1; pen.fillStyle = dark() ? '#e5eaf1' : '#1e293b'; pen.fillText(text, x, free + 0.5);
  }
}

// What the server sends
function takeCells() {
  if (!props.cells) return;
  const sent = JSON.parse(props.cells);
  const fresh = sent.key !== takeCells.key; takeCells.key = sent.key;
  ({ n, total } = sent); mapName = sent.name;
  xy = new Uint16Array(bytes(sent.xy).buffer);
  ids = sent.ids ? new Uint32Array(bytes(sent.ids).buffer) : null;
  $('.map-axis').textContent = n < total ? `${mapName} · ${number(n)} of ${number(total)} cells drawn` : mapName;
  if (fresh) { zoom = 1; cx = cy = 0.5; lit = null; hot = under = -1; codes = groups = scale = null; }
  grid = null; takeColours(); draw();
}

function takeColours() {
  if (!props.colours || !xy) return;
  const sent = JSON.parse(props.colours), found = bytes(sent.codes || sent.values);
  if (found.length !== n) return;
  codes = found; groups = null; scale = null; hot = -1; prefix = sent.prefix || '';
  if (sent.groups) {
    groups = sent.groups.map((g, k) => ({ ...g, shape: Math.floor(k / 16) % 4 }));
    middles();
  } else scale = sent;
  canvas.setAttribute('aria-label', `Map of ${number(total)} cells coloured by ${sent.title}. Arrow keys move it, plus and minus zoom. The buttons of the legend choose groups of cells.`);
  drawLegend(sent); draw();
}

function middles() {
  groups.forEach((group, g) => {
    const xs = [], ys = [];
    for (let i = 0; i < n; i++) if (codes[i] === g) { xs.push(xy[2 * i]); ys.push(xy[2 * i + 1]); }
    if (!xs.length || group.color === '#9AA3AF') return;
    const mid = (v) => v.sort((a, b) => a - b)[v.length >> 1] / 65535;
    group.middle = [mid(xs), mid(ys)];
  });
}

function drawLegend(sent) {
  legend.replaceChildren();
  const head = document.createElement('h3'); head.textContent = sent.title; legend.append(head);
  if (sent.note) { const note = document.createElement('p'); note.textContent = sent.note; legend.append(note); }
  if (!groups) {
    const bar = document.createElement('div'), ends = document.createElement('div'), unit = document.createElement('p');
    bar.className = 'map-bar'; bar.style.background = `linear-gradient(90deg, ${ramp().filter((_, i) => i % 16 === 0).join(',')})`;
    ends.className = 'map-ends';
    for (const end of [sent.low, sent.high]) { const e = document.createElement('span'); e.textContent = String(end); ends.append(e); }
    unit.textContent = sent.unit; legend.append(bar, ends, unit); return;
  }
  groups.forEach((group, g) => {
    const row = document.createElement('button'), dot = document.createElement('i');
    const name = document.createElement('span'), size = document.createElement('small');
    row.type = 'button'; row.title = `Choose the ${number(group.cells)} cells of ${prefix}${group.name}`;
    dot.style.background = lifted(group.color); dot.dataset.shape = group.shape;
    name.textContent = group.name; size.textContent = number(group.cells);
    row.append(dot, name, size);
    row.addEventListener('pointerenter', () => { hot = g; draw(); });
    row.addEventListener('pointerleave', () => { hot = -1; draw(); });
    row.addEventListener('focus', () => { hot = g; draw(); });
    row.addEventListener('blur', () => { hot = -1; draw(); });
    row.addEventListener('click', () => { hot = -1; busy('Choosing these cells …'); trigger('pick', { group: group.name, index: g }); });
    legend.append(row);
  });
}

function takeLit() {
  busy('');
  if (!props.lit) { lit = null; chosen.hidden = true; draw(); return; }
  const sent = JSON.parse(props.lit), packed = bytes(sent.bits);
  lit = new Uint8Array(n);
  for (let i = 0; i < n; i++) lit[i] = (packed[i >> 3] >> (i & 7)) & 1;
  chosen.hidden = false; chosen.querySelector('b').textContent = sent.words;
  chosen.querySelector('.map-asks').hidden = !sent.ask;
  if (!calm) area.animate([{ opacity: 0.55 }, { opacity: 1 }], 260);
  draw();
}

function takeTip() {
  if (!props.tip) return;
  described = JSON.parse(props.tip);
  if (under >= 0 && idOf(under) === described.cell) showTip();
}

function busy(words) { wait.hidden = !words; wait.firstElementChild.textContent = words; }

// The hint beside the pointer: the group at once, the description a moment later.
const idOf = (i) => (ids ? ids[i] : i);
function showTip() {
  if (under < 0) { tip.hidden = true; return; }
  const lines = [];
  if (groups && groups[codes[under]]) lines.push(['b', `${prefix}${groups[codes[under]].name}`]);
  else if (scale && codes[under] < 255) {
    const value = scale.low + ((scale.high - scale.low) * codes[under]) / 254;
    lines.push(['b', `${scale.title}: ${value.toPrecision(3)}`]);
  }
  if (described && described.cell === idOf(under)) {
    if (described.label) lines.push(['em', described.confidence ? `${described.label} · ${described.confidence.toFixed(2)}` : described.label]);
    lines.push(['p', described.text], ['small', `cell ${described.barcode} · cluster ${described.cluster}`]);
  } else lines.push(['small', 'Reading this cell …']);
  tip.replaceChildren(...lines.map(([tag, text]) => { const line = document.createElement(tag); line.textContent = text; return line; }));
  tip.hidden = false;
  const [x, y] = place(under), wide = area.clientWidth;
  tip.style.left = `${Math.max(6, Math.min(x + 14, wide - tip.offsetWidth - 6))}px`;
  const above = y - tip.offsetHeight - 12;
  tip.style.top = `${above > 4 ? above : Math.min(y + 14, area.clientHeight - tip.offsetHeight - 4)}px`;
}

function nearest(px, py) {
  if (!xy) return -1;
  if (!grid) {
    grid = new Map();
    for (let i = 0; i < n; i++) {
      const key = (xy[2 * i] >> 9) * 256 + (xy[2 * i + 1] >> 9);
      grid.has(key) ? grid.get(key).push(i) : grid.set(key, [i]);
    }
  }
  const [mx, my] = toMap(px, py), reach = 9 / side(), gx = Math.floor(mx * 128), gy = Math.floor(my * 128);
  const ring = Math.min(Math.ceil(reach * 128) + 1, 8);
  let best = -1, least = reach * reach;
  for (let a = gx - ring; a <= gx + ring; a++) for (let b = gy - ring; b <= gy + ring; b++) {
    for (const i of grid.get(a * 256 + b) || []) {
      if (lit && !lit[i]) continue;
      const dx = xy[2 * i] / 65535 - mx, dy = xy[2 * i + 1] / 65535 - my, d = dx * dx + dy * dy;
      if (d < least) { least = d; best = i; }
    }
  }
  return best;
}

let dwell = 0;
function hover(px, py) {
  const found = nearest(px, py);
  if (found === under) return;
  under = found; clearTimeout(dwell); showTip(); draw();
  if (under >= 0 && !(described && described.cell === idOf(under))) {
    dwell = setTimeout(() => under >= 0 && trigger('peek', { cell: idOf(under) }), 260);
  }
}
const away = () => { under = -1; clearTimeout(dwell); tip.hidden = true; draw(); };

// Pointer and keys
const at = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
function setMode(next) {
  mode = next;
  canvas.dataset.mode = mode;
  for (const act of ['lasso', 'move']) $(`[data-act=${act}]`).setAttribute('aria-pressed', String(mode === act));
}
const zoomBy = (by, px = area.clientWidth / 2, py = area.clientHeight / 2) => {
  const [mx, my] = toMap(px, py), next = Math.min(Math.max(zoom * by, 0.8), 40);
  cx = mx + ((cx - mx) * zoom) / next; cy = my + ((cy - my) * zoom) / next; zoom = next; away();
};
const acts = {
  lasso: () => setMode('lasso'), move: () => setMode('move'), in: () => zoomBy(1.4), out: () => zoomBy(1 / 1.4),
  home: () => { zoom = 1; cx = cy = 0.5; draw(); },
  unlight: () => { lit = null; chosen.hidden = true; draw(); trigger('unlight', {}); },
};
canvas.addEventListener('pointerdown', (event) => {
  if (event.button) return;
  if (mode === 'lasso' || !coarse) canvas.setPointerCapture(event.pointerId);
  if (mode === 'lasso') { stroke = [at(event)]; away(); }
  else drag = [...at(event), cx, cy];
});
canvas.addEventListener('pointermove', (event) => {
  const [px, py] = at(event);
  if (stroke) {
    const last = stroke[stroke.length - 1];
    if (Math.hypot(px - last[0], py - last[1]) > 3) { stroke.push([px, py]); draw(); }
  } else if (drag) { cx = drag[2] - (px - drag[0]) / side(); cy = drag[3] + (py - drag[1]) / side(); draw(); }
  else hover(px, py);
});
const lift = (event) => {
  if (stroke && stroke.length > 6) {
    busy('Choosing these cells …');
    trigger('lasso', { stroke: stroke.map(([x, y]) => toMap(x, y).map((v) => Math.round(v * 1e5) / 1e5)) });
  } else if (stroke || drag) hover(...at(event));
  stroke = drag = null; draw();
};
canvas.addEventListener('pointerup', lift);
canvas.addEventListener('pointercancel', () => { stroke = drag = null; draw(); });
canvas.addEventListener('pointerleave', () => { if (!stroke && !drag) away(); });
canvas.addEventListener('wheel', (event) => { event.preventDefault(); zoomBy(Math.exp(-event.deltaY / 400), ...at(event)); }, { passive: false });
canvas.addEventListener('keydown', (event) => {
  const step = 0.08 / zoom;
  const keys = {
    ArrowLeft: () => { cx -= step; }, ArrowRight: () => { cx += step; }, ArrowUp: () => { cy += step; }, ArrowDown: () => { cy -= step; },
    '+': acts.in, '=': acts.in, '-': acts.out, 0: acts.home, l: acts.lasso, m: acts.move, Escape: acts.unlight,
  };
  if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault(); keys[event.key](); draw();
});
element.addEventListener('click', (event) => {
  const button = event.target.closest('button'); if (!button) return;
  if (button.dataset.act) acts[button.dataset.act]();
  if (button.dataset.ask) trigger('pose', { text: button.dataset.ask });
});

// A reference in an answer, or a question in the evidence beside it, is the map's business too.
document.addEventListener('click', (event) => {
  const mark = event.target.closest('.reference[role=button]');
  if (mark) trigger('evidence', { id: mark.textContent.trim() });
  const ask = event.target.closest('[data-pose]');
  if (ask) trigger('pose', { text: ask.dataset.pose });
});
document.addEventListener('keydown', (event) => {
  const mark = event.target.closest?.('.reference[role=button]');
  if (mark && (event.key === 'Enter' || event.key === ' ')) { event.preventDefault(); trigger('evidence', { id: mark.textContent.trim() }); }
});

watch('cells', takeCells); watch('colours', takeColours); watch('lit', takeLit); watch('tip', takeTip);
watch('wait', () => busy(props.wait || ''));
new ResizeObserver(() => { away(); draw(); }).observe(area);
new MutationObserver(() => { if (props.colours) takeColours(); draw(); }).observe(document.body, { attributes: true, attributeFilter: ['class'] });
setMode(mode); takeCells(); if (props.lit) takeLit();
