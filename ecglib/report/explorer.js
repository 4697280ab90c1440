// The explorer: one panel on finished results, computed here from one packed block (see ecglib/results/explorer.py).
// JupyterLab loads it as a widget through anywidget; the page of the report has it as an inline module.

const unpack = async (packed) => {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const start = 4 + new DataView(bytes.buffer).getUint32(0, true);
  const results = JSON.parse(new TextDecoder().decode(bytes.subarray(4, start)));
  const types = { uint8: Uint8Array, uint16: Uint16Array, int32: Int32Array, float32: Float32Array };
  for (const result of results) {
    for (const [name, [type, offset, size]] of Object.entries(result.arrays)) {
      const width = types[type].BYTES_PER_ELEMENT, whole = new Uint8Array(size * width);
      // the first bytes of all numbers stand before the second ones
      for (let i = 0; i < size; i++) for (let k = 0; k < width; k++) whole[i * width + k] = bytes[start + offset + k * size + i];
      result[name] = new types[type](whole.buffer);
    }
    // by test beat, where its signal is; most beats have none
    result.kept = new Map([...result.number].map((beat, place) => [beat, place]));
  }
  return results;
};

// -- arithmetic ---------------------------------------------------------------------------------------------
// a model's scores of one beat, `share` of the class weights divided out
const scoresOf = (result, model, beat, share) => {
  const classes = result.classes.length, first = (model * result.label.length + beat) * classes;
  const taken = result.models[model].log_weights;
  return Array.from({ length: classes }, (_, k) => result.scores[first + k] - share * taken[k]);
};
const highest = (values) => values.indexOf(Math.max(...values));
const softmax = (scores) => {
  const top = Math.max(...scores), powers = scores.map((score) => Math.exp(score - top)), total = sum(powers);
  return powers.map((power) => power / total);
};
const ratio = (a, b) => (b > 0 ? a / b : 0);
const sum = (values) => values.reduce((a, b) => a + b, 0);

// MCC (Gorodkin's K-class form), macro F1 and accuracy of a confusion matrix, as in ecglib/metrics.py
const metricsOf = (matrix) => {
  const truth = matrix.map(sum), called = matrix.map((_, k) => sum(matrix.map((row) => row[k])));
  const total = sum(truth), correct = sum(matrix.map((row, k) => row[k]));
  const squares = (values) => sum(values.map((value) => value * value));
  const spread = (total ** 2 - squares(truth)) * (total ** 2 - squares(called));
  const f1 = matrix.map((row, k) => ratio(2 * row[k], truth[k] + called[k]));
  const mcc = (correct * total - sum(truth.map((value, k) => value * called[k]))) / Math.sqrt(spread); // 0 / 0 has none
  return { total, mcc, f1: ratio(sum(f1), matrix.filter((_, k) => truth[k] + called[k]).length), accuracy: ratio(correct, total) };
};
const confusionOf = (label, predicted, beats, classes) => {
  const matrix = Array.from({ length: classes }, () => new Array(classes).fill(0));
  for (const beat of beats) matrix[label[beat]][predicted[beat]]++;
  return matrix;
};

// every threshold of one class against all others: [false positive rate, sensitivity, positive predictive value]
const curveOf = (probability, positive) => {
  const order = [...probability.keys()].sort((a, b) => probability[b] - probability[a]);
  const all = sum(positive), rest = order.length - all, points = [];
  let hits = 0, alarms = 0, area = 0, precision = 0, before = [0, 0];
  order.forEach((place, at) => {
    if (positive[place]) hits++; else alarms++;
    // beats of equal probability are called so together
    if (at + 1 < order.length && probability[order[at + 1]] === probability[place]) return;
    const point = [ratio(alarms, rest), ratio(hits, all), ratio(hits, hits + alarms)];
    area += (point[0] - before[0]) * (point[1] + before[1]) / 2;
    precision += (point[1] - before[1]) * point[2];
    points.push(point);
    before = point;
  });
  return { points, area, precision };
};

// -- drawing ------------------------------------------------------------------------------------------------
const escape = (text) => String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const percent = (value, digits = 1) => (Number.isFinite(value) ? (100 * value).toFixed(digits) : "–");
const count = (value) => value.toLocaleString("en");
const options = (texts) => texts.map((text, i) => `<option value="${i}">${escape(text)}</option>`).join("");
const head = (...texts) => `<thead><tr>${texts.map((text) => `<th scope="col">${escape(text)}</th>`).join("")}</tr></thead>`;
const steps = (from, to, step, draw) =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => draw(from + i * step)).join("");
const text = (x, y, anchor, words) => `<text x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`;

// both drawings of a beat: a unit is a millimetre, 25 of them a second, and 25 upwards
const LEFT = 6;
const beatDrawing = (kind, words, width, bottom, inner) => `
  <svg class="${kind}" viewBox="0 0 ${LEFT + width + 1} 30" role="img" aria-label="${words}">${inner}
    ${steps(0, width, 10, (mm) => text(LEFT + mm, 27.3, "middle", (mm / 25).toFixed(1)))}
    ${text(LEFT + width / 2, 29.6, "middle", bottom)}</svg>`;
// what speaks for the class that a branch calls: stretches of the beat coloured, the rest of the picture dimmed
const lookOnBeat = (result, place, method) => {
  const units = result[method].length / result.number.length, width = (25 * result.unit) / result.rate_hz;
  return [...result[method].subarray(place * units, (place + 1) * units)].map((value, i) =>
    `<rect class="look" x="${(LEFT + (i - 0.5 / result.unit) * width).toFixed(2)}" y="0" width="${width.toFixed(2)}" height="25" opacity="${(0.6 * value / 255).toFixed(2)}"/>`).join("");
};
const lookOnPicture = (result, place, from, width) => {
  const size = result.grid, first = place * size * size;
  return Array.from({ length: size * size }, (_, i) => `<rect class="dim" x="${(from + (i % size) * width / size).toFixed(2)}"
    y="${(25 * Math.floor(i / size) / size).toFixed(2)}" width="${(width / size).toFixed(2)}" height="${25 / size}"
    opacity="${(0.75 - 0.75 * Math.sqrt(result.hires_cam[first + i] / 255)).toFixed(2)}"/>`).join("");
};
const paper = (result, signal, width, look) => {
  const end = signal.findLastIndex((value) => value !== 0) + 1; // after it comes padding
  const points = [...signal.subarray(0, end)].map((value, i) => [LEFT + (25 * i) / result.rate_hz, 22.5 - 20 * value]);
  const grid = (size) => steps(LEFT, LEFT + width, size, (x) => `M${x} 0V25`) + steps(0, 25, size, (y) => `M${LEFT} ${y}h${width}`);
  return beatDrawing("paper", "The beat on ECG paper", width, "seconds from the R peak", `
    <path class="fine" d="${grid(1)}"/><path class="thick" d="${grid(5)}"/>${look}<polyline points="${points.map((point) => point.map((value) => value.toFixed(2))).join(" ")}"/>
    ${text(5, 3.2, "end", 1)}${text(5, 23.2, "end", 0)}`);
};
const picture = (result, place, width, looked) => {
  const [rows, columns] = result.bins, canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
    const level = result.level[(place * rows + rows - 1 - row) * columns + column];
    image.data.set([...result.colours[level], 255], 4 * (row * columns + column));
  }
  context.putImageData(image, 0, 0);
  const [low, high] = result.frequency_hz, [from, to] = result.seconds, y = (hz) => (25 * (high - hz)) / (high - low);
  return beatDrawing("picture", "Its picture: frequency by time", width, "seconds; upwards the frequency in Hz", `
    <image href="${canvas.toDataURL()}" x="${LEFT + 25 * from}" y="0" width="${25 * (to - from)}" height="25"
      preserveAspectRatio="none"/>${looked ? lookOnPicture(result, place, LEFT + 25 * from, 25 * (to - from)) : ""}${steps(20 * Math.ceil(low / 20), high, 20, (hz) =>
        `${text(5, y(hz) + 0.7, "end", hz)}<path class="tick" d="M5.3 ${y(hz)}H${LEFT}"/>`)}`);
};
const strip = ({ signal, unit, lead, rate_hz, start, beats }) => {
  const low = Math.min(...signal), high = Math.max(...signal), scale = unit === "mV" ? 10 : 20 / (high - low || 1);
  const height = Math.ceil((high - low) * scale) + 6, x = (seconds) => LEFT + 25 * (seconds - start), end = x(start + signal.length / rate_hz);
  const points = signal.map((value, i) => `${x(start + i / rate_hz).toFixed(2)},${(height - 1 - (value - low) * scale).toFixed(2)}`);
  const grid = (size) => steps(LEFT, end, size, (at) => `M${at} 0V${height}`) + steps(0, height, size, (y) => `M${LEFT} ${y}H${end}`);
  return `<svg class="paper strip" viewBox="0 0 ${end + 1} ${height + 8}" role="img" aria-label="The record around the beat">
    <path class="fine" d="${grid(1)}"/><path class="thick" d="${grid(5)}"/><polyline points="${points.join(" ")}"/>
    ${beats.map(([at, name]) => `<g${at === 0 ? ' class="own"' : ""}>${text(x(at), 3.6, "middle", escape(name))}</g>`).join("")}
    ${steps(Math.ceil(start), start + signal.length / rate_hz, 1, (at) => text(x(at), height + 4, "middle", at))}</svg>
    <p>The record around it: lead ${escape(lead)}, seconds from its R peak, ${unit === "mV" ? "10 mm a millivolt" : "millivolts not known"}; above, the label of each beat.</p>`;
};
const plot = (title, points, at, x, y) => {
  const place = ([a, b]) => `${(10 + 85 * a).toFixed(1)} ${(90 - 85 * b).toFixed(1)}`;
  const path = [...new Set(points.map(place))].join("L"); // thousands of points lie on fewer places
  const [cx, cy] = at ? place(at).split(" ") : [-9, -9];
  return `<svg class="curve" viewBox="0 -5 100 104" role="img" aria-label="${title}"><path class="frame" d="M10 5V90H95"/>
    <path class="line" d="M${path}"/><circle cx="${cx}" cy="${cy}" r="2.5"/>
    ${text(52, 97, "middle", x)}${text(10, 0, "start", y)}${text(8, 8, "end", 1)}${text(8, 96, "end", 0)}${text(95, 97, "end", 1)}</svg>`;
};

// -- the panel ----------------------------------------------------------------------------------------------
const LISTED = 300;
const PANEL = (results) => `
  <div class="controls">
    <label>Results<select name="result">${options(results.map((one) => `${one.profile}, ${one.split}`))}</select></label>
    <label>Model<select name="model"></select></label><label>Record<select name="record"></select></label>
    <label class="wide"><span>Share of the class weights taken back: <b class="shared"></b></span>
      <input type="range" name="share" min="0" max="1.5" step="0.05" value="0"></label></div>
  <p class="numbers" aria-live="polite"></p>
  <div class="columns">
    <div><h4>Confusion matrix</h4><table class="matrix"></table><h4 class="cell"></h4>
      <select class="list" name="beat" size="10" aria-label="Beats of the chosen cell, worst first"></select></div>
    <div class="beat" tabindex="0" role="group" aria-label="One beat; the arrow keys lead to the next and the previous one">
      <div class="steps"><button type="button" name="previous" aria-label="Previous beat">←</button>
        <button type="button" name="next" aria-label="Next beat">→</button><p class="which" aria-live="polite"></p></div>
      <label class="looks">Where the branches looked<select name="look"></select></label>
      <div class="drawn"></div><div class="around"></div></div>
    <table class="models"></table></div>
  <h4>One class against all others</h4>
  <div class="controls"><label>Class<select name="positive"></select></label>
    <label class="wide"><span>Called so from a probability of <b class="from"></b></span>
      <input type="range" name="threshold" min="0" max="1" step="0.01" value="0.5"></label></div>
  <p class="at-threshold" aria-live="polite"></p><div class="curves"></div>
  <h4>Record by record</h4><p class="people"></p><div class="rows" tabindex="0"><table class="records"></table></div>`;
const explorer = {
  async render({ model, el }) {
    el.innerHTML = `<div class="ecg-explorer"><p>Unpacking the results, in browsers of 2024 and later …</p></div>`;
    const root = el.firstElementChild, results = await unpack(model.get("payload"));
    root.innerHTML = PANEL(results);
    // JupyterLab leaves the arrow keys to what is marked so
    root.querySelectorAll("select, input, [tabindex]").forEach((one) => { one.dataset.lmSuppressShortcuts = "true"; });
    const find = (selector) => root.querySelector(selector), named = (name) => find(`[name="${name}"]`);
    const state = { result: 0, model: 2, record: -1, share: 0, cell: null, beat: 0, look: 0, positive: 1, threshold: 0.5 };
    let result, answers, beats, list, probability, positive, curve;
    const probabilities = (beat, number = state.model) => softmax(scoresOf(result, number, beat, state.share));
    const answersOf = (one) => Array.from(one.label, (_, beat) => highest(scoresOf(one, state.model, beat, state.share)));
    const exact = (value, words = percent(value, 2)) => `<b data-exact="${value}">${words}</b>`;
    const bar = (right, value, words = percent(value)) => `<td class="${right ? "right" : "wrong"}" style="--part: ${percent(value)}%">${words}</td>`;

    const showMatrix = () => {
      const names = result.classes.map(([name]) => name), matrix = confusionOf(result.label, answers, beats, names.length);
      const { total, mcc, f1, accuracy } = metricsOf(matrix);
      const weighted = result.models[state.model].log_weights.some((value) => value !== 0);
      named("share").disabled = !weighted;
      find(".shared").textContent = weighted ? state.share.toFixed(2) : "its loss had none";
      find(".numbers").innerHTML = `MCC ${exact(mcc)}, macro F1 ${exact(f1)}, accuracy ${percent(accuracy, 2)} %,
        ${count(total)} test beats of ${escape(result.title)} ${result.synthetic ? "<b>(invented beats: not a result)</b>" : ""}`;
      // at first the mistake that is made most often
      const mistakes = matrix.map((row, t) => row.map((value, p) => (t === p ? -1 : value))).flat(), most = highest(mistakes);
      state.cell ??= [Math.floor(most / names.length), most % names.length];
      const cell = (t, p) => `<td><button type="button" data-cell="${t},${p}" class="${t === p ? "right" : "wrong"}"
        aria-pressed="${`${state.cell}` === `${t},${p}`}" style="--part: ${percent(Math.sqrt(ratio(matrix[t][p], sum(matrix[t]))))}%"
        aria-label="true ${escape(names[t])}, called ${escape(names[p])}: ${matrix[t][p]} beats">${count(matrix[t][p])}</button></td>`;
      find(".matrix").innerHTML = head("", ...names.map((name) => `called ${name}`)) + names.map((name, t) =>
        `<tr><th scope="row" title="${escape(result.classes[t][1])}">true ${escape(name)}</th>${names.map((_, p) => cell(t, p)).join("")}</tr>`).join("");
    };
    const showList = () => {
      const [t, p] = state.cell, [name, called] = [t, p].map((k) => result.classes[k][0]);
      const inside = beats.filter((beat) => result.label[beat] === t && answers[beat] === p);
      const sure = new Map(inside.map((beat) => [beat, probabilities(beat)[p]]));
      list = inside.sort((a, b) => (sure.get(b) - sure.get(a)) * (t === p ? -1 : 1)).slice(0, LISTED);
      find(".cell").textContent = `True ${name}, called ${called}: ${count(inside.length)} beats, worst first` +
        (inside.length > LISTED ? ` (the first ${LISTED})` : "");
      named("beat").innerHTML = options(list.map((beat) => `record ${result.records[result.record[beat]]}, sample ` +
        `${count(result.sample[beat])}, ${called} ${percent(sure.get(beat))} %${result.kept.has(beat) ? "" : " (no signal)"}`));
      state.beat = 0;
      showBeat();
    };
    const showBeat = () => {
      [named("previous").disabled, named("next").disabled] = [state.beat <= 0, state.beat >= list.length - 1];
      named("beat").selectedIndex = state.beat;
      const beat = list[state.beat], place = result.kept.get(beat), length = result.signal.length / result.number.length;
      const width = Math.ceil((25 * length) / result.rate_hz); // of the drawings, in mm
      find(".which").textContent = beat === undefined ? "No beat is in this cell." :
        `${state.beat + 1} of ${list.length}: record ${result.records[result.record[beat]]}, R peak at sample ` +
        `${count(result.sample[beat])}, true class: ${result.classes[result.label[beat]][1]}`;
      const look = Object.keys(result.looks).filter((method) => method !== "hires_cam")[state.look - 1];
      find(".drawn").innerHTML = beat === undefined ? "" : place === undefined
        ? "<p>No signal: only those of the worst beats of each cell of the whole test set are kept with the results.</p>"
        : `${paper(result, result.signal.subarray(place * length, (place + 1) * length), width, look ? lookOnBeat(result, place, look) : "")}${picture(result, place, width, look)}
          ${look ? `<p>The stronger a stretch is coloured, the more it counts for what the 1D branch calls the beat (${escape(result.looks[look])});
          the brighter a part of the picture, the more for what the 2D branch calls it (${escape(result.looks.hires_cam)}). How far such maps can be trusted is shown at the end of notebook 15.</p>` : ""}
          <p>25 mm a second; a thin line a millimetre. The amplitude is scaled to 0 to 1, here 20 mm, so that millivolts are not
          known. The picture is what the 2D branch sees (${escape(result.picture)}), from its lowest level to its highest.</p>`;
      showStrip(beat);
      const row = (one, number) => {
        const values = probabilities(beat, number), top = highest(values);
        return `<tr${number === state.model ? ' class="chosen"' : ""}><th scope="row">${escape(one.title)}</th>${values.map((value, k) =>
          bar(k === result.label[beat], value, k === top ? `<b>${percent(value)}</b>` : undefined)).join("")}</tr>`;
      };
      find(".models").innerHTML = beat === undefined ? "" : head("probability in %", ...result.classes.map(([name], k) =>
        (k === result.label[beat] ? `${name} (true)` : name))) + result.models.map(row).join("");
    };
    // the kernel reads it where it has the records; the page asks nobody
    const showStrip = (beat) => {
      if (model.get("records") !== true) return;
      const asked = [state.result, beat], answer = model.get("strip");
      const there = beat !== undefined && answer.signal && `${answer.asked}` === `${asked}`;
      find(".around").innerHTML = there ? strip(answer) : "";
      if (beat === undefined || `${answer.asked}` === `${asked}`) return;
      model.set("asked", asked);
      model.save_changes();
    };
    const showCurves = () => {
      probability = beats.map((beat) => probabilities(beat)[state.positive]);
      positive = beats.map((beat) => +(result.label[beat] === state.positive));
      curve = curveOf(probability, positive);
      showThreshold();
    };
    const showThreshold = () => {
      const called = positive.filter((_, i) => probability[i] >= state.threshold), hits = sum(called), all = sum(positive);
      const found = ratio(hits, all), right = ratio(hits, called.length), alarms = ratio(called.length - hits, positive.length - all);
      find(".from").textContent = state.threshold.toFixed(2);
      find(".at-threshold").innerHTML = `<b>${percent(found, 2)} %</b> of ${count(all)} are found (sensitivity);
        <b>${percent(right, 2)} %</b> of ${count(called.length)} calls are right (positive predictive value); ${percent(alarms, 2)} % of
        all others are called so. Area under the ROC curve ${exact(curve.area, curve.area.toFixed(4))}, average
        precision ${exact(curve.precision, curve.precision.toFixed(4))}.`;
      find(".curves").innerHTML = plot("ROC curve", [[0, 0], ...curve.points], [alarms, found], "false positive rate", "sensitivity") +
        plot("Precision-recall curve", curve.points.map((point) => point.slice(1)), called.length ? [found, right] : null,
          "sensitivity", "positive predictive value");
    };

    // the same model where it knows the patients and where it does not
    const showRecords = () => {
      const sides = ["by beat", "by patient"].map((split) => results.find((one) =>
        one.split === split && one.title === result.title && one.profile === result.profile)).filter(Boolean);
      const answered = sides.map(answersOf), tallies = sides.map((one, side) => {
        const groups = Map.groupBy(one.label.keys(), (beat) => one.records[one.record[beat]]);
        return new Map([...groups].map(([name, inside]) => [name, metricsOf(confusionOf(one.label, answered[side], inside, one.classes.length))]));
      });
      const part = (tally, name) => tally.get(name)?.accuracy ?? 2, last = tallies.at(-1);
      const names = [...new Set(tallies.flatMap((tally) => [...tally.keys()]))].sort((a, b) => part(last, a) - part(last, b) || part(tallies[0], a) - part(tallies[0], b));
      const row = (name) => `<tr><th scope="row"><button type="button" data-record="${escape(name)}">${escape(name)}</button></th>${tallies.map((tally) =>
        (tally.has(name) ? `<td>${count(tally.get(name).total)}</td>${bar(true, part(tally, name))}` : "<td></td><td></td>")).join("")}</tr>`;
      find(".records").innerHTML = head("record", ...sides.flatMap((one) => [`test beats, ${one.split}`, "right, %"])) + names.map(row).join("");
      const mcc = (one, of, chosen, classes) => exact(metricsOf(confusionOf(one.label, of, chosen, classes)).mcc);
      const words = sides.map((one, side) => `${one.split} ${mcc(one, answered[side], one.label.keys(), one.classes.length)}`);
      if (sides.length === 2) {
        // those whom the other split tests on, among its classes, as in notebook 08
        const [known, fresh] = sides, size = fresh.classes.length, tested = new Set(fresh.records);
        const same = [...known.label.keys()].filter((beat) => known.label[beat] < size && tested.has(known.records[known.record[beat]]));
        const among = Object.fromEntries(same.map((beat) => [beat, highest(scoresOf(known, state.model, beat, state.share).slice(0, size))]));
        words.splice(1, 0, `by beat, the patients of the other split only ${mcc(known, among, same, size)}`);
      }
      find(".people").innerHTML = `MCC ${words.join("; ")}. Worst record first.`;
    };

    const showModel = () => {
      answers = answersOf(result);
      [showMatrix, showList, showCurves, showRecords].forEach((part) => part());
    };
    const showRecord = () => {
      beats = [...result.label.keys()].filter((beat) => state.record < 0 || result.record[beat] === state.record);
      state.cell = null;
      showModel();
    };
    const showResult = () => {
      result = results[state.result];
      Object.assign(state, { record: -1, positive: Math.min(state.positive, result.classes.length - 1) });
      named("model").innerHTML = options(result.models.map((one) => one.title));
      named("record").innerHTML = `<option value="-1">all</option>${options(result.records)}`;
      const looks = Object.entries(result.looks).filter(([method]) => method !== "hires_cam").map(([, title]) => title);
      find(".looks").hidden = !looks.length;
      state.look = Math.min(state.look, looks.length);
      named("look").innerHTML = options(["not shown", ...looks]);
      named("positive").innerHTML = options(result.classes.map(([, title]) => title));
      ["model", "look", "positive"].forEach((name) => { named(name).value = state[name]; });
      showRecord();
    };
    const step = (by) => {
      state.beat = Math.max(0, Math.min(state.beat + by, list.length - 1));
      showBeat();
    };
    const show = { result: showResult, model: showModel, record: showRecord, share: showModel, beat: showBeat, look: showBeat, positive: showCurves,
      threshold: showThreshold };
    root.addEventListener("input", ({ target }) => {
      state[target.name] = Number(target.value);
      show[target.name]();
    });
    root.addEventListener("click", ({ target }) => {
      if (["previous", "next"].includes(target.name)) step(target.name === "next" ? 1 : -1);
      if (target.dataset.cell) {
        state.cell = target.dataset.cell.split(",").map(Number);
        showMatrix();
        showList();
        find(`[data-cell="${state.cell}"]`).focus();
      }
      if (result.records.includes(target.dataset.record)) {
        state.record = named("record").value = result.records.indexOf(target.dataset.record);
        showRecord();
        named("record").focus();
      }
    });
    find(".beat").addEventListener("keydown", ({ key }) => {
      if (key === "ArrowLeft" || key === "ArrowRight") step(key === "ArrowLeft" ? -1 : 1);
    });
    model.on?.("change:strip", () => showStrip(list[state.beat]));
    showResult();
  },
};
export default explorer;
