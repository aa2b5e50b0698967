"use strict";
// Draws the line charts of a what-if with uPlot: lines over a shared x, with bands of confidence.
(() => {
  const source = JSON.parse(document.getElementById("marks").textContent);
  if (!source.charts) return;

  const COLOUR_COUNT = 8;
  const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
  let colours = readColours();

  function readColours() {
    return plotBoxes.colours(["soft", "grid"]);
  }

  const short = (value) => `${+value.toPrecision(3)}`;

  function bytes(value) {
    let power = 0;
    while (Math.abs(value) >= 1024 && power < BYTE_UNITS.length - 1) [value, power] = [value / 1024, power + 1];
    return `${short(value)} ${BYTE_UNITS[power]}`;
  }

  function stepped(value, steps) {
    for (const [size, unit] of steps) if (Math.abs(value) >= size) return `${short(value / size)} ${unit}`;
    return `${short(value)} ${steps.at(-1)[1]}`;
  }

  const WORDS = {
    B: bytes,
    "B/s": (v) => stepped(v, [[1e9, "GB/s"], [1e6, "MB/s"], [1e3, "kB/s"], [1, "B/s"]]),
    s: (v) => (v === 0 ? "0 s" : stepped(v, [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]].map((s) => s)
      .concat(Math.abs(v) < 1e-6 ? [[1e-9, "ns"]] : []))),
    share: (v) => `${short(100 * v)} %`,
    "records/s": (v) => stepped(v, [[1e6, "M/s"], [1e3, "k/s"], [1, "/s"]]),
  };
  const words = (axis, value) => (WORDS[axis.unit] ? WORDS[axis.unit](value)
    : `${value >= 1000 ? Math.round(value).toLocaleString("en") : short(value)} ${axis.unit}`.trim());

  /** Columns over all xs of all lines; a line's gaps are bridged when it is drawn. */
  function columns(chart) {
    const xs = [...new Set(chart.lines.flatMap((line) => line.xs))].sort((a, b) => a - b);
    const place = new Map(xs.map((x, i) => [x, i]));
    const column = (line, values) => {
      const spread = new Array(xs.length).fill(null);
      // Of two values at one x, as at a step of a distribution, the last is the one that counts.
      line.xs.forEach((x, i) => { spread[place.get(x)] = values[i]; });
      return spread;
    };
    const found = [xs];
    for (const line of chart.lines) {
      found.push(column(line, line.ys));
      if (line.low) found.push(column(line, line.low), column(line, line.high));
    }
    return found;
  }

  function seriesAndBands(chart) {
    const series = [{}];
    const bands = [];
    for (const [number, line] of chart.lines.entries()) {
      // Wide below and narrow above, so that lines that coincide are all seen.
      const width = 1.6 + (2 * (chart.lines.length - 1 - number)) / Math.max(1, chart.lines.length - 1);
      const stroke = () => colours.threads[line.colour % COLOUR_COUNT];
      const faint = () => `color-mix(in srgb, ${stroke()} 22%, transparent)`;
      series.push({
        stroke, width: chart.lines.length > 1 ? width : 1.8, spanGaps: true, dash: line.dashed ? [6, 4] : undefined,
        points: { show: line.xs.length <= 24 && !line.dashed, size: 5 },
      });
      if (!line.low) continue;
      const edge = { stroke: "transparent", width: 0, spanGaps: true, points: { show: false } };
      series.push({ ...edge }, { ...edge });
      bands.push({ series: [series.length - 1, series.length - 2], fill: faint });
    }
    return { series, bands };
  }

  function padded(axis) {
    return (_, low, high) => {
      if (low === null) return [0, 1];
      if (axis.scale === "log") return low === high ? [low / 2, high * 2] : [low / 1.15, high * 1.15];
      if (axis.unit === "share" && low >= 0 && high <= 1) return [0, 1];
      const room = (high - low || Math.abs(high) || 1) * 0.05;
      return [low >= 0 ? Math.max(0, low < (high - low) * 2 ? 0 : low - room) : low - room, high + room];
    };
  }

  function options(box, chart) {
    const axis = {
      stroke: () => colours.soft, font: "12px system-ui, sans-serif",
      grid: { stroke: () => colours.grid, width: 1 }, ticks: { stroke: () => colours.grid, width: 1 },
    };
    const labels = (of) => (_, ticks) => ticks.map((t) => (t === null ? "" : words(of, t)));
    const powers = Array.from({ length: 50 }, (_, i) => 2 ** i);
    const rounds = Array.from({ length: 40 }, (_, i) => [1, 2, 5].map((m) => m * 10 ** (i - 12))).flat();
    // Round values: uPlot's own on a log scale begin at whatever the scale begins with.
    const within = (values) => (u, index, low, high) => {
      const inside = values.filter((v) => v >= low && v <= high);
      return inside.filter((_, i) => i % Math.ceil(inside.length / 10) === 0);
    };
    const increments = (of) => (of.scale === "log"
      ? { splits: within(of.unit === "B" ? powers : rounds), filter: (u, ticks) => ticks }
      : of.unit === "B" ? { incrs: powers } : {});
    const logRange = (of) => (of.scale === "log" ? { distr: 3, log: of.unit === "B" ? 2 : 10 } : {});
    return {
      width: box.clientWidth, height: box.clientHeight, padding: [8, 16, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: true, y: true, uni: 12 }, points: { size: 6 } },
      scales: {
        x: { time: false, ...logRange(chart.x), range: chart.x.scale === "log" ? padded(chart.x) : (_, a, b) => [a, b] },
        y: { ...logRange(chart.y), range: padded(chart.y) },
      },
      ...seriesAndBands(chart),
      axes: [
        { ...axis, values: labels(chart.x), space: 74, size: 46, label: chart.x.label, labelSize: 16, labelFont: "12px system-ui, sans-serif", ...increments(chart.x) },
        { ...axis, values: labels(chart.y), size: 84, ...increments(chart.y) },
      ],
      hooks: { setCursor: [(u) => readOut(u, chart)] },
    };
  }

  /** The value of a line at or before an index: lines need not have one at every x. */
  function valueAt(column, index) {
    for (let i = index; i >= 0; i--) if (column[i] !== null) return column[i];
    return null;
  }

  function readOut(u, chart) {
    const { idx } = u.cursor;
    if (idx === null || idx === undefined) {
      chart.readout.textContent = "\u00a0";
      return;
    }
    let at = 1;
    const told = chart.lines.map((line) => {
      const value = valueAt(u.data[at], idx);
      at += line.low ? 3 : 1;
      return value === null ? null : `${line.label} ${words(chart.y, value)}`;
    });
    chart.readout.textContent = `${chart.x.label} ${words(chart.x, u.data[0][idx])}: ${told.filter(Boolean).join(" · ")}`;
  }

  function onKey(event, chart) {
    const count = chart.data[0].length;
    const strides = { ArrowRight: 1, ArrowLeft: -1, PageDown: Math.ceil(count / 10), PageUp: -Math.ceil(count / 10) };
    if (event.key === "Escape") chart.plot.setData(chart.data);
    else if (event.key in strides || event.key === "Home" || event.key === "End") {
      const from = chart.stop ?? (strides[event.key] > 0 ? -1 : count);
      const to = event.key === "Home" ? 0 : event.key === "End" ? count - 1 : from + strides[event.key];
      chart.stop = Math.min(count - 1, Math.max(0, to));
      chart.plot.setCursor({ left: chart.plot.valToPos(chart.data[0][chart.stop], "x"), top: 10 });
    } else return;
    event.preventDefault();
  }

  const charts = source.charts.map((chart) => ({ ...chart }));

  function make(box, chart) {
    chart.data = columns(chart);
    return new uPlot(options(box, chart), chart.data, box);
  }

  plotBoxes.show(charts, { make, onKey, recolour: () => { colours = readColours(); } });
})();
