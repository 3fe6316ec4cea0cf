"use strict";
// Facts: what the compiler wrote down (JSON). Texts: model, stages, assembly, each with two numbers for each line: a
// place of the model file and a loop nest, 0 where there is none.
const facts = JSON.parse(document.getElementById("facts").textContent);
const { places, machine } = facts;
const $ = id => document.getElementById(id);
const svgTags = new Set(["svg", "g", "rect", "circle", "line", "path", "text"]);

/** An element: children are elements or text; attribute `on` is what a click does. */
function el(tag, attributes = {}, ...children) {
  const node = svgTags.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes))
    if (key === "on") node.addEventListener("click", value);
    else if (value !== undefined && value !== false) node.setAttribute(key, value);
  node.append(...children.flat().filter(child => child !== "" && child !== null && child !== undefined));
  return node;
}
function tip(node, text) {
  const title = node.namespaceURI.endsWith("svg") ? document.createElementNS(node.namespaceURI, "title") : null;
  if (title) { title.textContent = text; node.append(title); } else node.title = text;
  return node;
}

const digits = (x, n = 3) => x === 0 ? "0" : Math.abs(x) >= 1000 ? Math.round(x).toLocaleString("en") : String(+x.toPrecision(n));
const micro = seconds => digits(seconds * 1e6) + " µs";
function bytes(n) {
  for (const [unit, size] of [["MiB", 1 << 20], ["KiB", 1024]])
    if (n >= size) return digits(n / size) + " " + unit;
  return digits(n) + " B";
}
const flops = n => n >= 1e6 ? digits(n / 1e6) + " MFLOP" : digits(n / 1e3) + " kFLOP";

// ---- Nests and operators -------------------------------------------------------------------------------------------

const nests = new Map(facts.nests.map(nest => [nest.id, nest]));
const stepOf = name => name.replace(/_(block|combine|finish|fold)$/, "");
const steps = [...new Set(facts.nests.map(nest => stepOf(nest.function)))];
let step = steps.find(name => name.endsWith("train_step")) || steps[0];
let selected = null, tab = "operator", texts = null, sourceLines = [];

const operatorsAt = new Map();
for (const { op, place, function: name } of facts.operators) {
  const key = `${name} ${place}`;
  if (!operatorsAt.has(key)) operatorsAt.set(key, new Set());
  operatorsAt.get(key).add(op.replace(/^ai\./, ""));
}
/** Seconds of a training step, measured if they were; without a machine operations stand for them. */
const hasTimes = Boolean(machine);
const predicted = nest => nest.calls * (hasTimes ? nest.seconds : nest.flops);
const isMeasured = name => facts.nests.some(nest => stepOf(nest.function) === name && nest.measured);
const weight = nest => isMeasured(stepOf(nest.function)) ? (nest.measured ? nest.measured.seconds : 0) : predicted(nest);
const amount = value => hasTimes || isMeasured(step) ? micro(value) : flops(value);

const mainPlace = nest => nest.places.length ? places[nest.places[0].place] : places[0];
function kindOf(nest) {
  if (!/_block$/.test(nest.function)) return "update";
  return mainPlace(nest).name.startsWith("d ") ? "gradient" : "forward";
}
const visiblePlaces = nest => nest.places.filter(({ share }, i) => i === 0 || share >= 0.01 || i < 3 && share > 0);

/** What a nest computes: its operators, then whose gradient or parameter it is. */
function titleOf(nest) {
  const words = [], names = [];
  for (const { place } of visiblePlaces(nest)) {
    for (const op of operatorsAt.get(`${stepOf(nest.function)} ${place}`) || []) if (!words.includes(op)) words.push(op);
    if (places[place].name && !names.includes(places[place].name)) names.push(places[place].name);
  }
  const ops = words.length > 4 ? words.slice(0, 4).join(" + ") + " …" : words.join(" + ");
  if (!ops) return names.join(", ") || nest.name;
  return names.length ? `${ops} (${names.slice(0, 3).join(", ")})` : ops;
}
const linesOf = nest => [...new Set(visiblePlaces(nest).map(({ place }) => places[place].line).filter(Boolean))];
function whereOf(nest) {
  const lines = linesOf(nest).sort((a, b) => a - b);
  return lines.length ? `line${lines.length > 1 ? "s" : ""} ${lines.join(", ")}` : "no line";
}
/** Those that run in a step of the recipe's batch: some are for larger ones only. */
const nestsOfStep = name => facts.nests.filter(nest => stepOf(nest.function) === name && nest.calls > 0).sort((a, b) => weight(b) - weight(a));

function placeText(place) {
  const { name, line } = places[place];
  return `line ${line}${name ? " · " + name : ""}`;
}

// ---- Texts ---------------------------------------------------------------------------------------------------------

/** Lines of a text with their places and nests, found once. */
function openText(key) {
  const { text, marks } = texts[key];
  const lines = text.replace(/\n$/, "").split("\n");
  const view = { key, lines, place: new Int32Array(lines.length), nest: new Int32Array(lines.length), step: [] };
  let current = "";
  lines.forEach((line, i) => {
    view.place[i] = marks[2 * i] || 0;
    view.nest[i] = marks[2 * i + 1] || 0;
    const name = key === "asm" ? /^"?([\w.]+)"?:/.exec(line) : /^\s*(?:func|llvm)\.func .*?@"?([\w.]+)/.exec(line);
    if (name && !name[1].startsWith(".L")) current = stepOf(name[1]);
    view.step.push(current);
  });
  if (key === "source") // a line is a place
    places.forEach((place, i) => { if (place.line && !view.place[place.line - 1]) view.place[place.line - 1] = i; });
  // Instructions that LLVM gave no place, between two of one nest, are that nest's.
  if (key === "asm")
    for (let i = 1, begin = 0; i < lines.length; ++i) {
      if (!view.nest[i]) continue;
      if (view.nest[i] === view.nest[begin]) view.nest.fill(view.nest[i], begin, i);
      begin = i;
    }
  return view;
}
const opened = new Map();
function textOf(key) {
  if (!opened.has(key)) opened.set(key, openText(key));
  return opened.get(key);
}

function isHit(view, i) {
  if (!selected) return false;
  if (view.nest[i]) return view.nest[i] === selected.id;
  if (view.key === "source") return linesOf(selected).includes(i + 1);
  if (view.key === "loops" || view.key === "llvm" || view.key === "asm" || !view.place[i]) return false;
  return (!view.step[i] || view.step[i] === stepOf(selected.function)) &&
    visiblePlaces(selected).some(({ place }) => place === view.place[i]);
}

/** A <pre> of some lines of a text, which tell where they belong to. */
function listing(view, indices, mark = () => "", short = true) {
  const pre = el("pre", { class: "text" + (short ? " short" : ""), tabindex: 0 });
  const size = 200;
  for (let begin = 0; begin < indices.length; begin += size) {
    const part = indices.slice(begin, begin + size);
    const chunk = el("div", { class: "chunk", style: `contain-intrinsic-size: auto 600px auto ${16 * part.length}px` });
    for (const i of part)
      chunk.append(el("span", { class: "l " + mark(i), "data-i": i }, view.lines[i] || " "));
    pre.append(chunk);
  }
  const lineAt = event => { const line = event.target.closest("[data-i]"); return line ? Number(line.dataset.i) : -1; };
  pre.addEventListener("mouseover", event => point(view, lineAt(event), pre));
  pre.addEventListener("mouseleave", () => point(view, -1, pre));
  pre.addEventListener("click", event => { const i = lineAt(event); if (i >= 0) follow(view, i); });
  return pre;
}

function nestsAt(view, i) {
  if (view.nest[i]) return [nests.get(view.nest[i])];
  const place = view.place[i];
  if (!place) return [];
  const belongs = view.key === "source" ? nest => linesOf(nest).includes(i + 1) : nest => nest.places.some(p => p.place === place);
  const name = steps.includes(view.step[i]) ? view.step[i] : step;
  return nestsOfStep(name).filter(belongs);
}

let pointed = [];
function point(view, i, pre) {
  pointed.forEach(line => line.classList.remove("same"));
  pointed = [];
  if (i < 0) return;
  const place = view.place[i], nest = view.nest[i];
  if (place)
    for (const line of pre.querySelectorAll("[data-i]")) {
      const j = Number(line.dataset.i);
      if (view.place[j] === place && view.nest[j] === nest && pointed.push(line)) line.classList.add("same");
    }
  const [found] = nestsAt(view, i);
  const code = place ? (sourceLines[places[place].line - 1] || "").trim() : "";
  $("status").textContent = place || found
    ? [place ? placeText(place) : "", found ? `nest ${found.id}: ${titleOf(found)}` : "", code].filter(Boolean).join("  —  ")
    : "no place in the model file";
}

function follow(view, i) {
  const [found] = nestsAt(view, i);
  if (found) select(found);
}

// ---- What is shown -------------------------------------------------------------------------------------------------

function table(head, rows) {
  const cell = tag => value => el(tag, { class: typeof value === "number" || /^([\d.,]+( B| [KM]iB)?|–)$/.test(value) ? "n" : undefined }, value instanceof Node || Array.isArray(value) ? value : String(value));
  return el("div", { class: "scroll" }, el("table", {},
    head ? el("thead", {}, el("tr", {}, head.map(cell("th")))) : null, el("tbody", {}, rows.map(row => el("tr", {}, row.map(cell("td")))))));
}

function nestButton(nest) {
  return el("button", { on: () => select(nest, "operator") }, `${titleOf(nest)} — ${amount(weight(nest))}`);
}

function numbersOf(nest) {
  const rows = [];
  const moved = nest.read + nest.written, peak = machine ? machine.peak : 0;
  if (hasTimes)
    rows.push(["Predicted at best", `${micro(nest.seconds)} a call, ${micro(predicted(nest))} a step`,
      `bound by ${nest.bound === "FMA" ? "arithmetic" : "reads from " + nest.bound}; its memory fits ${nest.fits}`]);
  if (nest.measured) {
    const { calls, seconds, least } = nest.measured, rate = nest.flops * calls / seconds;
    rows.push(["Measured", `${micro(seconds / calls)} a call, ${micro(seconds)} a step`, `shortest call ${micro(least)}` +
      (nest.flops ? `; ${digits(rate / 1e9)} GFLOP/s, ${digits(100 * rate / peak)} % of the peak` : "")]);
  } else {
    rows.push(["Measured", "no", stepOf(nest.function) === step && /train_step/.test(step) ? "compile with --profile --explain=FILE" : "only training steps are"]);
  }
  rows.push(["Calls", `${nest.calls} a step`, `of @${nest.function} with ${facts.batch || 1} samples`]);
  rows.push(["Operations", flops(nest.flops), "of floats, a call; a multiply-add is two"]);
  rows.push(["Memory", `${bytes(nest.read)} read, ${bytes(nest.written)} written`,
    `working set ${bytes(nest.workingSet)}` + (moved ? `; ${digits(nest.flops / moved)} FLOP/byte` : "")]);
  return table(null, rows);
}

const remarksAt = wanted => facts.remarks.filter(remark => wanted.has(remark.place) || (remark.notes || []).some(note => wanted.has(note.place)));
function remarkRow(remark) {
  const notes = (remark.notes || []).map(note => el("div", { class: "dim" }, `${placeText(note.place)}: ${note.text}`));
  return [remark.pass, placeText(remark.place), [remark.text, ...notes]];
}
function unique(remarks) {
  return [...new Map(remarks.map(remark => [JSON.stringify(remark), remark])).values()];
}

/** Of assembly the loops that hold no other: from a label to a jump back to it. */
function innerLoops(view, indices) {
  const labels = new Map(), loops = [];
  let last = -1;
  indices.forEach((line, at) => {
    const label = /^(\.L\w+):/.exec(view.lines[line]), jump = /^\s+(?:j\w+|b\.\w+|cbn?z.*,)\s+(\.L\w+)/.exec(view.lines[line]);
    if (label) { labels.set(label[1], at); last = at; }
    if (jump && labels.get(jump[1]) === last && last >= 0) { loops.push([last, at]); last = -1; }
  });
  const work = ([begin, end]) => indices.slice(begin, end).filter(i => /f(n?m(add|sub)|mla)/.test(view.lines[i])).length;
  return loops.map(loop => ({ loop, work: work(loop) })).sort((a, b) => b.work - a.work || b.loop[1] - b.loop[0] - (a.loop[1] - a.loop[0]));
}

function linesOfNest(view, nest) {
  const indices = [];
  view.nest.forEach((id, i) => { if (id === nest.id) indices.push(i); });
  return indices;
}

function showOperator() {
  if (!selected) return [el("p", {}, "This module has no training step, so there are no loop nests to list; the stages show its functions.")];
  const nest = selected, source = textOf("source"), asm = textOf("asm"), loops = textOf("loops");
  const lines = linesOf(nest), wanted = new Set(nest.places.map(({ place }) => place));
  const related = nestsOfStep(stepOf(nest.function)).filter(other => other !== nest && linesOf(other).some(line => lines.includes(line) && mainPlace(other).line === line && !/^ai\.train/.test((sourceLines[line - 1] || "").trim())));
  const inLoops = linesOfNest(loops, nest), inAsm = linesOfNest(asm, nest);
  const [hottest] = innerLoops(asm, inAsm);
  const hot = hottest ? new Set(inAsm.slice(hottest.loop[0], hottest.loop[1] + 1)) : new Set();
  const asmView = listing(asm, inAsm, i => hot.has(i) ? "hot" : "");
  if (hottest) requestAnimationFrame(() => { asmView.scrollTop = Math.max(0, 16 * (hottest.loop[0] - 2)); });
  return [
    el("h2", {}, titleOf(nest)), numbersOf(nest),
    el("h3", {}, "In the model file"), listing(source, lines.map(line => line - 1).filter(i => i < source.lines.length)),
    nest.places.length > 1 ? el("p", { class: "dim" }, "Share of the arithmetic: " + visiblePlaces(nest).map(({ place, share }) => `${placeText(place)} ${digits(100 * share, 2)} %`).join(", ")) : "",
    related.length ? el("h3", {}, "Forward, gradients and updates of the same lines") : "", related.slice(0, 12).map(nestButton),
    el("h3", {}, "Why it is as it is"), remarksAt(wanted).length ? table(["pass", "place", "remark"], unique(remarksAt(wanted)).map(remarkRow)) : el("p", { class: "dim" }, "No pass had a choice to make here."),
    el("h3", { id: "loop-nest" }, `Loop nest ${nest.id}, ${inLoops.length} lines`), listing(loops, inLoops),
    el("h3", { id: "assembly" }, `Assembly, ${inAsm.length} lines`),
    el("p", { class: "dim" }, hottest ? "The bar on the left marks the innermost loop with the most multiply-adds." : "No loop is left in it."), asmView];
}

/** Lines that the stage before did not have, names of values apart. */
function newLines(view, before) {
  const plain = line => line.trim().replace(/%[\w.#:-]+/g, "%");
  const known = new Map();
  for (const line of before.lines) known.set(plain(line), (known.get(plain(line)) || 0) + 1);
  const fresh = new Uint8Array(view.lines.length);
  view.lines.forEach((line, i) => {
    const left = known.get(plain(line)) || 0;
    if (left) known.set(plain(line), left - 1); else fresh[i] = 1;
  });
  const gone = before.lines.filter(line => { const left = known.get(plain(line)) || 0; if (left) known.set(plain(line), left - 1); return left; });
  return { fresh, gone };
}

function changes(ops, most = 8) {
  const sorted = Object.entries(ops).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const chips = sorted.slice(0, most).map(([name, n]) => el("span", { class: "chip " + (n > 0 ? "plus" : "minus") }, `${n > 0 ? "+" : "−"}${Math.abs(n)} ${name}`));
  return sorted.length > most ? [...chips, el("span", { class: "dim" }, `and ${sorted.length - most} more kinds`)] : chips;
}
const passTable = stage => table(["pass", "ms", "ops before", "after", "what changed"],
  stage.passes.map(pass => [pass.name, digits(pass.seconds * 1e3), pass.before, pass.after, changes(pass.ops)]));

function wholeText(key, before) {
  const view = textOf(key), all = view.lines.map((_, i) => i);
  const found = before ? newLines(view, textOf(before)) : null;
  const pre = listing(view, all, i => (isHit(view, i) ? "hit " : "") + (found && found.fresh[i] ? "new" : ""), false);
  const first = all.find(i => isHit(view, i));
  const jump = () => { const line = pre.querySelector(".hit"); if (line) line.scrollIntoView({ block: "center" }); };
  const parts = [];
  if (first !== undefined) parts.push(el("button", { on: jump }, `Jump to ${titleOf(selected)}`));
  if (found) {
    parts.push(el("span", { class: "dim" }, ` A green bar marks the ${found.fresh.reduce((a, b) => a + b, 0)} lines that the stage before did not have. `));
    if (found.gone.length)
      parts.push(el("details", {}, el("summary", {}, `${found.gone.length} lines of stage ${before} are gone`), el("pre", { class: "text short" }, found.gone.slice(0, 400).join("\n"))));
  }
  return [...parts, pre];
}

function showStage(name) {
  const at = facts.stages.findIndex(stage => stage.name === name), stage = facts.stages[at];
  const counts = Object.entries(stage.ops).sort((a, b) => b[1] - a[1]);
  return [
    el("h2", {}, `Stage ${name}: ${stage.promise}`),
    el("p", {}, `${counts.reduce((sum, [, n]) => sum + n, 0).toLocaleString("en")} operations: `, counts.slice(0, 14).map(([op, n]) => el("span", { class: "chip" }, `${n} ${op}`)), counts.length > 14 ? el("span", { class: "dim" }, `and ${counts.length - 14} more kinds`) : ""),
    el("details", {}, el("summary", {}, `${stage.passes.length} passes made it, in ${digits(stage.passes.reduce((sum, pass) => sum + pass.seconds, 0) * 1e3)} ms`), passTable(stage)),
    ...wholeText(name, at > 0 ? facts.stages[at - 1].name : "source")];
}

function showSource() {
  const totals = new Map(), view = textOf("source");
  for (const nest of nestsOfStep(step)) {
    const line = mainPlace(nest).line;
    if (!totals.has(line)) totals.set(line, { forward: 0, gradient: 0, update: 0 });
    totals.get(line)[kindOf(nest)] += weight(nest);
  }
  const rows = [...totals].map(([line, kinds]) => ({ line, kinds, sum: kinds.forward + kinds.gradient + kinds.update })).filter(({ line, sum }) => line && sum > 0).sort((a, b) => b.sum - a.sum);
  const most = rows.length ? rows[0].sum : 1;
  return [...wholeText("source"), rows.length ? el("h3", {}, `Lines by the time of ${step}`) : "",
    table(["line", "forward", "gradients", "update", "share", "code"], rows.map(({ line, kinds, sum }) => [line, amount(kinds.forward), amount(kinds.gradient), amount(kinds.update),
      el("span", { class: "bar", style: `width: ${Math.max(2, 90 * sum / most)}px; height: 10px` }), (view.lines[line - 1] || "").trim().slice(0, 60)]))];
}

function showPasses() {
  return facts.stages.flatMap(stage => [el("h3", {}, `${stage.name}: ${stage.promise}`), passTable(stage)]);
}

function showRemarks() {
  const rows = unique(facts.remarks);
  return [el("h2", {}, "What the passes chose, and why"),
    table(["pass", "place", "remark", "nest"], rows.map(remark => [...remarkRow(remark),
      el("span", {}, nestsOfStep(step).filter(nest => nest.places.some(({ place }) => place === remark.place)).slice(0, 2).map(nestButton))]))];
}

// ---- Drawings ------------------------------------------------------------------------------------------------------

function showMemory() {
  const { memory } = facts, parts = [el("h2", {}, "Memory, planned at compile time")];
  parts.push(el("p", {}, `${bytes(memory.fixed)} are there from the start, ${memory.slots} slots of gradients among them; each thread has a workspace besides, in which buffers share bytes if their lives do not meet.`));
  for (const f of memory.functions.filter(({ name, buffers }) => stepOf(name) === step && buffers.length)) {
    const width = Math.max(8, Math.min(26, 720 / f.nests.length)), height = 300, left = 70;
    const y = value => height - height * value / Math.max(f.bytes, 1);
    const svg = el("svg", { width: left + width * f.nests.length + 10, height: height + 40, role: "img", "aria-label": "lives of buffers of " + f.name });
    f.nests.forEach((id, i) => {
      const column = el("rect", { x: left + i * width, y: 0, width, height: height + 16, fill: i % 2 ? "#f5f7f9" : "#fff", style: "cursor: pointer", on: () => select(nests.get(id)) });
      svg.append(tip(column, `nest ${id}: ${titleOf(nests.get(id))}`));
      if (selected && id === selected.id) svg.append(el("rect", { x: left + i * width, y: 0, width, height: height + 16, class: "column", "pointer-events": "none" }));
    });
    for (const part of [0, 0.25, 0.5, 0.75, 1])
      svg.append(el("text", { x: left - 6, y: Math.max(9, y(part * f.bytes)), "text-anchor": "end" }, bytes(part * f.bytes)));
    for (const buffer of f.buffers)
      for (const [first, last] of buffer.lives) {
        const touches = selected && f.nests.indexOf(selected.id) >= first && f.nests.indexOf(selected.id) <= last && f.nests.includes(selected.id);
        const box = el("rect", { class: "buffer" + (touches ? " hit" : ""), x: left + first * width + 1, y: y(buffer.offset + buffer.bytes), width: (last - first + 1) * width - 2, height: Math.max(1, height * buffer.bytes / Math.max(f.bytes, 1) - 0.5), on: () => select(nests.get(f.nests[first])) });
        svg.append(tip(box, `${buffer.type}\n${bytes(buffer.bytes)} at ${buffer.offset}, nests ${f.nests[first]} to ${f.nests[last]}\n${placeText(buffer.place)}`));
      }
    svg.append(el("text", { x: left, y: height + 32 }, "nests in the order they run →"));
    parts.push(el("h3", {}, `@${f.name}: workspace of ${bytes(f.bytes)}, ${f.buffers.length} buffers`), el("div", { class: "scroll" }, svg));
  }
  parts.push(el("h3", {}, "Parameters, states and settings"), table(["tensor", "role", "offset", "bytes"], memory.tensors.map(t => [t.name, t.role, t.offset, bytes(t.bytes)])));
  return parts;
}

function showRoofline() {
  const own = nestsOfStep(step).filter(nest => nest.flops > 0 && nest.read + nest.written > 0);
  const columns = ["nest", "calls", "kFLOP", "KiB moved", "FLOP/byte", "fits", "bound", "best µs", "measured µs"];
  const rows = nestsOfStep(step).map(nest => [el("button", { on: () => select(nest, "operator") }, titleOf(nest)), nest.calls, digits(nest.flops / 1e3), digits((nest.read + nest.written) / 1024),
    nest.read + nest.written ? digits(nest.flops / (nest.read + nest.written)) : "–", nest.fits || "–", nest.bound || "–", hasTimes ? digits(nest.seconds * 1e6) : "–",
    nest.measured ? digits(nest.measured.seconds / nest.measured.calls * 1e6) : "–"]);
  const parts = [el("h2", {}, "Roofline: what a nest could do at best, and what bounds it")];
  if (machine) {
    const width = 680, height = 340, left = 70, bottom = 30, low = Math.log10(0.05), high = Math.log10(200), top = Math.log10(machine.peak * 1.6), floor = top - 4;
    const x = value => left + (width - left - 20) * (Math.log10(Math.max(value, 0.05)) - low) / (high - low);
    const y = value => (height - bottom) * (top - Math.max(Math.log10(Math.max(value, 1)), floor)) / (top - floor);
    const svg = el("svg", { width, height: height + 16, role: "img", "aria-label": "roofline" });
    svg.append(el("path", { class: "axis", d: `M${left} 0V${height - bottom}H${width - 20}` }));
    for (const value of [0.1, 1, 10, 100]) svg.append(el("text", { x: x(value), y: height - 14, "text-anchor": "middle" }, String(value)));
    for (let power = Math.ceil(floor); power <= top; ++power) svg.append(el("text", { x: left - 6, y: y(10 ** power) + 4, "text-anchor": "end" }, digits(10 ** (power - 9))));
    svg.append(el("text", { x: width - 20, y: height + 2, "text-anchor": "end" }, "FLOP/byte"), el("text", { x: 4, y: 12 }, "GFLOP/s"));
    for (const level of machine.levels) {
      const knee = machine.peak / level.read;
      svg.append(el("path", { class: "roof", d: `M${x(0.05)} ${y(0.05 * level.read)}L${x(knee)} ${y(machine.peak)}H${x(200)}` }));
      svg.append(el("text", { x: x(0.055), y: y(0.055 * level.read) - 4 }, `${level.name} ${digits(level.read / 1e9)} GB/s`));
    }
    svg.append(el("text", { x: width - 24, y: y(machine.peak) - 5, "text-anchor": "end" }, `multiply-adds ${digits(machine.peak / 1e9)} GFLOP/s`));
    for (const nest of own) {
      const rate = nest.measured ? nest.flops * nest.measured.calls / nest.measured.seconds : nest.flops / nest.seconds;
      const dot = el("circle", { class: `dot ${kindOf(nest)}${nest === selected ? " hit" : ""}`, cx: x(nest.flops / (nest.read + nest.written)), cy: y(rate), r: 4 + 8 * Math.sqrt(weight(nest) / weight(own[0])), on: () => select(nest) });
      svg.append(tip(dot, `${titleOf(nest)}: ${digits(rate / 1e9)} GFLOP/s${nest.measured ? "" : " at best"}, ${amount(weight(nest))} a step`));
    }
    parts.push(el("div", { class: "scroll" }, svg), el("p", { class: "dim" }, `One thread of this machine, measured while the page was made. A circle is a nest, the larger the more time it takes${isMeasured(step) ? ", measured" : " at best"}: blue forward, orange gradients, violet combine and update.`));
  } else {
    parts.push(el("p", {}, `No times: they are those of this machine, which --cpu=native compiles for; this is ${facts.processor.name}.`));
  }
  return [...parts, table(columns, rows)];
}

// ---- The page ------------------------------------------------------------------------------------------------------

const tabs = new Map([["operator", ["Operator", showOperator]], ["source", ["Source", showSource]],
  ...facts.stages.map(stage => [stage.name, [stage.name, () => showStage(stage.name)]]),
  ["asm", ["Assembly", () => [el("h2", {}, `Assembly for ${facts.processor.name}, as --emit=asm has it`), ...wholeText("asm")]]],
  ["passes", ["Passes", showPasses]], ["remarks", ["Remarks", showRemarks]], ["memory", ["Memory", showMemory]], ["roofline", ["Roofline", showRoofline]]]);

function showHead() {
  const all = nestsOfStep(step), sum = all.reduce((total, nest) => total + weight(nest), 0), [first] = all;
  const best = [...all].sort((a, b) => predicted(b) - predicted(a))[0];
  const total = key => all.reduce((sum, nest) => sum + nest[key] * nest.calls, 0);
  const line = nest => [el("button", { id: "slowest", on: () => select(nest, "operator") }, titleOf(nest)), ` ${whereOf(nest)}: ${amount(weight(nest))} a step, ${digits(100 * weight(nest) / sum, 2)} % of ${step}. `,
    el("button", { on: () => { select(nest, "operator"); $("loop-nest").scrollIntoView(); } }, "its loop nest"), el("button", { on: () => { select(nest, "operator"); $("assembly").scrollIntoView(); } }, "its assembly")];
  $("head").replaceChildren(el("h1", {}, `How ${facts.model} was compiled`),
    el("p", { class: "dim" }, `${facts.file}, for ${facts.processor.name} (${facts.processor.triple}), vectors of ${facts.processor.vectorBits} bits${facts.batch ? `, batches of ${facts.batch}` : ""}${facts.measured ? "; times measured on one thread" : ""}`),
    first ? el("p", {}, el("b", {}, facts.measured && isMeasured(step) ? "Slowest operator, measured: " : hasTimes ? "Slowest operator, predicted: " : "Most operations: "), line(first)) : "",
    first ? el("p", { class: "dim" }, `A step of ${step}: ${flops(total("flops"))}, ${bytes(total("read"))} read, ${bytes(total("written"))} written` + (hasTimes ? `, ${micro(all.reduce((sum, nest) => sum + predicted(nest), 0))} at best on one thread` : "")) : "",
    first && isMeasured(step) && best !== first ? el("p", { class: "dim" }, `Predicted slowest: ${titleOf(best)}, ${micro(predicted(best))} a step`) : "");
}

function showList() {
  const all = nestsOfStep(step), most = all.length ? weight(all[0]) || 1 : 1;
  const choice = el("select", { id: "step", "aria-label": "step" }, steps.map(name => el("option", name === step ? { value: name, selected: "" } : { value: name }, name)));
  choice.addEventListener("change", () => { step = choice.value; select(nestsOfStep(step)[0]); });
  $("list").replaceChildren(el("label", {}, "Loop nests of ", choice, el("br"), el("span", { class: "dim" }, `by ${isMeasured(step) ? "measured time" : hasTimes ? "least possible time" : "operations"} in a step`)),
    ...all.map(nest => el("button", { class: "row", "data-nest": nest.id, "aria-current": String(nest === selected), on: () => select(nest, tab === "source" || tab === "passes" || tab === "remarks" ? "operator" : tab) },
      el("b", {}, amount(weight(nest))), titleOf(nest), el("small", {}, `nest ${nest.id}, ${kindOf(nest)}, ${whereOf(nest)}`),
      el("span", { class: `bar ${kindOf(nest)}`, style: `width: ${Math.max(0.5, 100 * weight(nest) / most)}%` }))));
}

function show() {
  for (const button of $("tabs").children) button.setAttribute("aria-selected", String(button.dataset.tab === tab));
  $("body").replaceChildren(...tabs.get(tab)[1]().flat(2).filter(part => part !== "" && part));
}
function open(name) {
  tab = name;
  show();
  const line = name !== "operator" && $("body").querySelector(".l.hit");
  if (line) line.scrollIntoView({ block: "center" });
  else if (window.scrollY > $("view").offsetTop) window.scrollTo(0, $("view").offsetTop);
}
function select(nest, name = tab) {
  if (nest && nest === selected && name === tab) return; // the reader keeps the place
  selected = nest || null;
  if (nest) step = stepOf(nest.function);
  showHead();
  showList();
  open(name);
}

async function unpack() {
  const packed = Uint8Array.from(atob($("texts").textContent), c => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}
unpack().then(result => {
  texts = result;
  sourceLines = textOf("source").lines;
  for (const [name, [label]] of tabs)
    $("tabs").append(el("button", { role: "tab", "data-tab": name, on: () => open(name) }, label));
  select(nestsOfStep(step)[0], facts.nests.length ? "operator" : "source");
  document.body.dataset.ready = "true";
}).catch(error => {
  $("head").replaceChildren(el("p", {}, `This browser cannot unpack the page: ${error.message}`));
  throw error;
});
