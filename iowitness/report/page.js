"use strict";
// Draws the plots of offset over time. uPlot gives axes, zoom and cursor; the marks are drawn here,
// because a mark is a place and a length, with a shape for the operation and a colour for the thread.
(() => {
  const source = JSON.parse(document.getElementById("marks").textContent);
  if (!source.charts) return;

  const SHAPE_PX = 6;
  const RING_PX = 10;
  const NEAR_PX = 30;
  const MARKS_PER_PATH = 200; // one path of 100,000 marks takes seconds to fill
  const OPERATIONS = ["write", "transfer", "read"];
  const WORDS = { write: "write", transfer: "sendfile", read: "read" };
  const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
  const offending = new Set(source.offending);
  const view = { axis: "stretched", shown: new Set([...OPERATIONS, "predicted"]) };
  let colours = readColours();

  function readColours() {
    return plotBoxes.colours(["ink", "soft", "grid", "phase", "violated"]);
  }

  function running(deltas) {
    const sums = new Float64Array(deltas.length);
    let sum = 0;
    for (let i = 0; i < deltas.length; i++) sums[i] = sum += deltas[i];
    return sums;
  }

  /** Columns as they are sent: times and lines by difference, positions from the last mark's end. */
  function unpacked(columns) {
    const positions = new Float64Array(columns.p.length);
    let end = 0;
    for (let i = 0; i < columns.p.length; i++) {
      positions[i] = end + columns.p[i];
      end = positions[i] + columns.n[i];
    }
    return {
      world: columns.world, operation: columns.operation, thread: columns.thread,
      microseconds: running(columns.t), positions, lengths: columns.n,
      lines: columns.l ? running(columns.l) : null, calls: columns.c || null,
    };
  }

  /** A monotone broken line through (predicted, observed) pairs: the ends of the phases. */
  function stretching() {
    const pairs = source.phases.filter((row) => row.length === 5);
    const knots = pairs.flatMap(([, a, b, c, d]) => [[c, a], [d, b]]).sort((x, y) => x[0] - y[0]);
    return (time) => {
      if (knots.length === 0) return time;
      let i = 1;
      while (i < knots.length - 1 && knots[i][0] < time) i++;
      const [from, to] = [knots[i - 1], knots[i]];
      if (time <= knots[0][0]) return knots[0][1] - (knots[0][0] - time);
      if (time >= knots.at(-1)[0]) return knots.at(-1)[1] + (time - knots.at(-1)[0]);
      const width = to[0] - from[0];
      return width > 0 ? from[1] + ((time - from[0]) / width) * (to[1] - from[1]) : to[1];
    };
  }
  const stretched = stretching();

  /** Sets each series' `xs` for the chosen axis, and returns the shaded stretches [name, from, to]. */
  function place(chart) {
    if (view.axis === "order") return placeByOrder(chart);
    for (const series of chart.series) {
      const mapped = series.world === "predicted" && view.axis === "stretched" ? stretched : (t) => t;
      series.xs = series.microseconds.map((time) => mapped(time) / 1e6);
    }
    return source.phases.filter((row) => row[0]).map((row) => [row[0], row[1] / 1e6, row[2] / 1e6]);
  }

  /** Number of the call among all of its operation, in blocks: first writes, then sendfile, reads. */
  function placeByOrder(chart) {
    const stretches = [];
    let start = 0;
    for (const operation of OPERATIONS) {
      const counts = ["observed", "predicted"].map((world) => {
        const members = chart.series.filter((s) => s.world === world && s.operation === operation);
        const refs = [];
        for (const series of members) {
          series.xs = new Float64Array(series.positions.length);
          for (let i = 0; i < series.xs.length; i++) refs.push([series.microseconds[i], series, i]);
        }
        refs.sort((a, b) => a[0] - b[0]);
        let number = 0;
        for (const [, series, i] of refs) {
          series.xs[i] = start + number;
          number += series.calls ? series.calls[i] : 1;
        }
        return number;
      });
      const count = Math.max(...counts);
      if (count) stretches.push([WORDS[operation], start, start + count - 1]);
      start += Math.ceil(count * 1.04);
    }
    return stretches;
  }

  function visible(chart) {
    return chart.series.filter(
      (s) => view.shown.has(s.operation) && (s.world === "observed" || view.shown.has("predicted")));
  }

  /** The padded extent of all marks, as uPlot's data: two points that it scales to. */
  function extent(chart) {
    let [left, right] = [Infinity, -Infinity];
    for (const series of chart.series) {
      for (const x of series.xs) {
        if (x < left) left = x;
        if (x > right) right = x;
      }
    }
    if (!(left <= right)) [left, right] = [0, 1];
    const pad = (right - left || 1) * 0.02;
    const top = chart.bands.at(-1)[2];
    return [[left - pad, right + pad], [-0.04 * top, 1.12 * top]];
  }

  function bytes(count) {
    let [size, unit] = [Math.abs(count), 0];
    while (size >= 1024 && unit < UNITS.length - 1) [size, unit] = [size / 1024, unit + 1];
    return `${count < 0 ? "-" : ""}${+size.toPrecision(4)} ${UNITS[unit]}`;
  }

  function drawGround(u, chart) {
    const { ctx, bbox } = u;
    const ratio = uPlot.pxRatio;
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "top";
    chart.stretches.forEach(([name, from, to], i) => {
      const [left, right] = [u.valToPos(from, "x", true), u.valToPos(to, "x", true)];
      ctx.fillStyle = colours.phase;
      if (i % 2 === 0) ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
      ctx.fillStyle = colours.soft;
      const room = right - left - 8 * ratio;
      if (ctx.measureText(name).width < room) {
        ctx.fillText(name, Math.max(left, bbox.left) + 4 * ratio, bbox.top + 3 * ratio);
      }
    });
    ctx.textBaseline = "bottom";
    ctx.fillStyle = colours.soft;
    ctx.strokeStyle = colours.soft;
    ctx.lineWidth = ratio * 0.6;
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    for (const [label, start, end] of chart.bands) {
      const [low, high] = [u.valToPos(start, "y", true), u.valToPos(end, "y", true)];
      ctx.beginPath();
      ctx.moveTo(bbox.left, high);
      ctx.lineTo(bbox.left + bbox.width, high);
      ctx.stroke();
      if (low - high > 15 * ratio) ctx.fillText(label, bbox.left + 5 * ratio, low - 2 * ratio);
    }
    ctx.setLineDash([]);
  }

  function trace(ctx, operation, x, top, bottom, size) {
    const middle = (top + bottom) / 2;
    const half = size / 2;
    if (operation === "write") {
      const height = Math.max(size, bottom - top);
      ctx.rect(x - half, middle - height / 2, size, height);
    } else if (operation === "transfer") {
      const wide = half * 1.3;
      ctx.moveTo(x, middle - wide);
      ctx.lineTo(x + wide, middle);
      ctx.lineTo(x, middle + wide);
      ctx.lineTo(x - wide, middle);
      ctx.closePath();
      if (bottom - top > 2 * wide) ctx.rect(x - half / 5, top, half / 2.5, bottom - top);
    } else {
      ctx.moveTo(x - half, middle - half);
      ctx.lineTo(x + half, middle + half);
      ctx.moveTo(x + half, middle - half);
      ctx.lineTo(x - half, middle + half);
      ctx.moveTo(x, top);
      ctx.lineTo(x, bottom);
    }
  }

  function drawSeries(u, series) {
    const { ctx, bbox } = u;
    const ratio = uPlot.pxRatio;
    const predicted = series.world === "predicted";
    const size = (predicted ? RING_PX : SHAPE_PX) * ratio;
    const { x, y } = u.scales;
    const [perX, perY] = [bbox.width / (x.max - x.min), bbox.height / (y.max - y.min)];
    const colour = predicted ? colours.ink : colours.threads[series.thread % 8];
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.lineWidth = (predicted ? 1 : 1.6) * ratio;
    const paint = () => (predicted || series.operation === "read" ? ctx.stroke() : ctx.fill());
    let [drawn, lastLeft, lastMiddle] = [0, NaN, NaN];
    ctx.beginPath();
    for (let i = 0; i < series.xs.length; i++) {
      if (series.xs[i] < x.min || series.xs[i] > x.max) continue;
      const left = bbox.left + (series.xs[i] - x.min) * perX;
      const bottom = bbox.top + (y.max - series.positions[i]) * perY;
      const top = bottom - series.lengths[i] * perY;
      const middle = (top + bottom) / 2;
      // Two marks less than a pixel apart look like one.
      if (Math.abs(left - lastLeft) < 1 && Math.abs(middle - lastMiddle) < 1) continue;
      [lastLeft, lastMiddle] = [left, middle];
      if (!predicted) trace(ctx, series.operation, left, top, bottom, size);
      else if (series.operation === "write") trace(ctx, "write", left, top - 2 * ratio, bottom + 2 * ratio, size);
      else trace(ctx, series.operation, left, middle, middle, size);
      if (++drawn % MARKS_PER_PATH === 0) {
        paint();
        ctx.beginPath();
      }
    }
    paint();
  }

  function drawOffending(u, series) {
    if (series.world !== "observed" || !series.lines) return;
    const { ctx } = u;
    ctx.strokeStyle = colours.violated;
    ctx.lineWidth = 2.2 * uPlot.pxRatio;
    for (let i = 0; i < series.xs.length; i++) {
      if (!offending.has(series.lines[i])) continue;
      const middle = series.positions[i] + series.lengths[i] / 2;
      ctx.beginPath();
      ctx.arc(u.valToPos(series.xs[i], "x", true), u.valToPos(middle, "y", true),
        11 * uPlot.pxRatio, 0, 2 * Math.PI);
      ctx.stroke();
    }
  }

  function draw(u, chart) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    drawGround(u, chart);
    const series = visible(chart);
    series.filter((s) => s.world === "observed").forEach((s) => drawSeries(u, s));
    series.filter((s) => s.world === "predicted").forEach((s) => drawSeries(u, s));
    series.forEach((s) => drawOffending(u, s));
    ctx.restore();
  }

  function nearest(u, chart, left, top) {
    let best = null;
    let bestDistance = NEAR_PX * NEAR_PX;
    for (const series of visible(chart)) {
      for (let i = 0; i < series.xs.length; i++) {
        const dx = u.valToPos(series.xs[i], "x") - left;
        if (dx * dx >= bestDistance) continue;
        const dy = u.valToPos(series.positions[i] + series.lengths[i] / 2, "y") - top;
        const distance = dx * dx + dy * dy;
        if (distance < bestDistance) [best, bestDistance] = [{ series, i }, distance];
      }
    }
    return best;
  }

  function words(chart, { series, i }) {
    const position = series.positions[i];
    const band = chart.bands.find(([, start, end]) => position >= start && position < end);
    const offset = position - band[1];
    const thread = series.world === "predicted" ? "predicted" : source.threads[series.thread];
    const calls = series.calls && series.calls[i] > 1 ? ` in ${series.calls[i]} calls` : "";
    const line = series.lines ? ` · line ${series.lines[i]} of the raw trace` : "";
    const seconds = (series.microseconds[i] / 1e6).toFixed(6);
    return `${thread} · ${WORDS[series.operation]} of ${series.lengths[i].toLocaleString("en")} B${calls} `
      + `at ${offset.toLocaleString("en")} in ${band[0]} · ${seconds} s${line}`;
  }

  function plotOptions(box, chart) {
    const axis = {
      stroke: () => colours.soft, font: "12px system-ui, sans-serif",
      grid: { stroke: () => colours.grid, width: 1 }, ticks: { stroke: () => colours.grid, width: 1 },
    };
    const powers = Array.from({ length: 40 }, (_, i) => 2 ** i);
    const seconds = (_, ticks) => ticks.map((t) => (view.axis === "order" ? `${t}` : `${+t.toPrecision(6)} s`));
    return {
      width: box.clientWidth, height: box.clientHeight, padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: true, y: true, uni: 12 }, points: { show: false } },
      scales: { x: { time: false, range: (_, a, b) => [a, b] }, y: { range: (_, a, b) => [a, b] } },
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [
        { ...axis, values: seconds, space: 80, size: 32 },
        { ...axis, incrs: powers, size: 84, values: (_, ticks) => ticks.map(bytes) },
      ],
      hooks: {
        draw: [(u) => draw(u, chart)],
        setCursor: [(u) => {
          const { left, top } = u.cursor;
          const found = left >= 0 ? nearest(u, chart, left, top) : null;
          chart.readout.textContent = found ? words(chart, found) : "\u00a0";
        }],
      },
    };
  }

  function step(chart, direction) {
    const stops = visible(chart).filter((s) => s.world === "observed")
      .flatMap((series) => Array.from(series.xs, (x, i) => ({ series, i, x })))
      .sort((a, b) => a.x - b.x);
    if (stops.length === 0) return;
    chart.stop = Math.min(stops.length - 1, Math.max(0, (chart.stop ?? -direction) + direction));
    const { series, i, x } = stops[chart.stop];
    const middle = series.positions[i] + series.lengths[i] / 2;
    const { plot } = chart;
    plot.setCursor({ left: plot.valToPos(x, "x"), top: plot.valToPos(middle, "y") });
    chart.readout.textContent = words(chart, { series, i });
  }

  function onKey(event, chart) {
    const strides = { ArrowRight: 1, ArrowLeft: -1, PageDown: 20, PageUp: -20 };
    if (event.key in strides) step(chart, strides[event.key]);
    else if (event.key === "Escape") chart.plot.setData(extent(chart));
    else return;
    event.preventDefault();
  }

  const charts = source.charts.map(({ bands, series }) => ({ bands, series: series.map(unpacked) }));

  function make(box, chart) {
    chart.stretches = place(chart);
    return new uPlot(plotOptions(box, chart), extent(chart), box);
  }

  function redrawAll(rescaled) {
    for (const chart of charts.filter((each) => each.plot)) {
      if (rescaled) {
        chart.stretches = place(chart);
        chart.plot.setData(extent(chart));
      } else chart.plot.redraw();
    }
  }

  plotBoxes.show(charts, { make, onKey, recolour: () => { colours = readColours(); } });

  document.getElementById("plot-controls").addEventListener("change", (event) => {
    const { name, value, checked } = event.target;
    if (name === "axis") view.axis = value;
    else if (checked) view.shown.add(value);
    else view.shown.delete(value);
    redrawAll(name === "axis");
  });
})();
