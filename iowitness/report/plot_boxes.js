"use strict";
// What plots of every page have in common: made when they come near, as wide as their box, in the
// reader's colours, and anew for the printer.
const plotBoxes = {
  EAGER_COUNT: 8,

  /** The colours of `page.css` by their names; `threads` are those of lines. */
  colours(names) {
    const style = getComputedStyle(document.documentElement);
    const named = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      ...Object.fromEntries(names.map((name) => [name, named(name)])),
      threads: Array.from({ length: 8 }, (_, i) => named(`thread-${i}`)),
    };
  },

  /** `make(box, chart)` returns a chart's plot; `onKey` hears keys; `recolour` reads colours anew. */
  show(charts, { make, onKey, recolour }) {
    const create = (box) => {
      const chart = charts[Number(box.dataset.chart)];
      if (chart.plot) return;
      chart.readout = box.parentElement.querySelector(".readout");
      chart.plot = make(box, chart);
      box.addEventListener("keydown", (event) => onKey(event, chart));
      new ResizeObserver(() => {
        if (box.clientWidth && box.clientWidth !== chart.plot.width) {
          chart.plot.setSize({ width: box.clientWidth, height: box.clientHeight });
        }
      }).observe(box);
    };
    const repaint = () => {
      recolour();
      for (const chart of charts.filter((each) => each.plot)) chart.plot.redraw();
    };
    const boxes = [...document.querySelectorAll(".plot")];
    const near = new IntersectionObserver((entries) => {
      for (const entry of entries.filter((each) => each.isIntersecting)) {
        near.unobserve(entry.target);
        create(entry.target);
      }
    }, { rootMargin: "800px" });
    boxes.slice(0, this.EAGER_COUNT).forEach(create);
    boxes.slice(this.EAGER_COUNT).forEach((box) => near.observe(box));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
    // Paper is light, and a canvas keeps what was drawn on it: so it is drawn anew for the printer.
    addEventListener("beforeprint", () => {
      document.documentElement.dataset.print = "";
      boxes.forEach(create);
      repaint();
    });
    addEventListener("afterprint", () => {
      delete document.documentElement.dataset.print;
      repaint();
    });
  },
};
