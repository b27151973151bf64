"use strict";
// Draws the charts from the numbers beside them, and exports them. Pages work without it; the library is only loaded where
// there is something to draw.
const charts = (() => {
  const light = {
    ink: "#556073",
    strong: "#161b26",
    line: "#e3e7ed",
    card: "#ffffff",
    band: "#2556d414",
    colours: [
      "#2f6bed",
      "#d9620b",
      "#0f8a7e",
      "#8b5cf6",
      "#c93a7b",
      "#64748b",
      "#8a7a00",
      "#0e86c9",
      "#a0522d",
      "#4d7c0f",
    ],
    named: { positive: "#1a9a5c", neutral: "#94a3b8", negative: "#dc4c3f", target: "#64748b" },
  };
  const night = {
    ink: "#9ea9b9",
    strong: "#e7ebf2",
    line: "#262e39",
    card: "#151a21",
    band: "#82abff1f",
    colours: [
      "#6d9eff",
      "#f59547",
      "#2fbfae",
      "#a78bfa",
      "#f06fa9",
      "#94a3b8",
      "#c9b64a",
      "#4cb8f0",
      "#d19a7c",
      "#9ccc5a",
    ],
    named: { positive: "#3fbf82", neutral: "#7d8b9e", negative: "#f2766a", target: "#94a3b8" },
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const palette = () => (dark.matches ? night : light);
  /** The drawn charts, by their place. */
  const drawn = new Map();

  const number = new Intl.NumberFormat("en-IN", { maximumFractionDigits: 2 });
  // Amounts as the shop writes them: the unit is the code of its currency, or “rupees”, without decimals that are zero.
  const formats = new Map();
  const amounts = (unit, locale) => {
    const rupees = unit === "rupees";
    if (!rupees && !/^[A-Z]{3}$/.test(unit)) return null;
    if (!formats.has(unit)) {
      const options = { style: "currency", currency: rupees ? "INR" : unit };
      if (rupees) options.minimumFractionDigits = 0;
      formats.set(unit, new Intl.NumberFormat(rupees ? "en-IN" : `${locale || "en"}-u-nu-latn`, options));
    }
    return formats.get(unit);
  };
  const show = (unit, value) => {
    if (value === null || value === undefined || value === "-" || Number.isNaN(value)) return "—";
    const money = amounts(unit);
    if (money) return money.format(value);
    if (unit === "share") return number.format(value * 100) + " %";
    if (unit === "milliseconds") return value < 1000 ? Math.round(value) + " ms" : number.format(value / 1000) + " s";
    if (unit === "minutes") return number.format(value) + " min";
    return number.format(value);
  };
  // On an axis there is little room: ₹2.5 L, 12 k.
  const short = (unit, value) => {
    if (value === 0) return "0";
    const money = amounts(unit);
    if (money && unit !== "rupees") {
      return new Intl.NumberFormat(money.resolvedOptions().locale, {
        style: "currency", currency: unit, notation: "compact", maximumFractionDigits: 1,
      }).format(value);
    }
    const sign = money ? "₹" : "";
    if (!money && unit !== "count") return show(unit, value);
    if (value >= 1e7) return sign + number.format(value / 1e7) + " Cr";
    if (value >= 1e5) return sign + number.format(value / 1e5) + " L";
    return value >= 1e4 ? sign + number.format(value / 1e3) + " k" : sign + number.format(value);
  };
  const words = (name) => {
    const text = String(name).replaceAll("_", " ");
    return text.charAt(0).toUpperCase() + text.slice(1);
  };

  // In a legend there is little room as well.
  const brief = (name) => (name.length > 30 ? words(name).slice(0, 29) + "…" : words(name));

  // Days and hours are the shop's, whatever the viewer's clock says: no time of one page is of another clock.
  const day = /^\d{4}-\d\d-\d\d$/;
  const hour = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d)$/;
  function label(data, index, full) {
    const text = data.labels[index];
    const [, date, time] = hour.exec(text) || [];
    if (date) {
      const at = new Date(date + "T" + time + ":00Z");
      const style = full
        ? { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }
        : { hour: "numeric", minute: "2-digit" };
      return at.toLocaleString(undefined, { ...style, timeZone: "UTC" });
    }
    if (!day.test(text)) return full ? words(text) : text;
    const style = full
      ? { weekday: "short", day: "numeric", month: "short", year: "numeric" }
      : { day: "numeric", month: "short" };
    return new Date(text + "T00:00:00Z").toLocaleDateString(undefined, { ...style, timeZone: "UTC" });
  }

  // Made of elements: markup in a text would need inline style, which the page forbids.
  function box(data, points) {
    const list = Array.isArray(points) ? points : [points];
    const told = document.createElement("div");
    told.className = "tip";
    const head = document.createElement("strong");
    head.textContent = data.kind === "donut" ? words(list[0].name) : label(data, list[0].dataIndex, true);
    told.append(head);
    for (const point of list) {
      const row = document.createElement("p");
      const mark = document.createElement("i");
      mark.style.backgroundColor = point.color;
      const name = document.createElement("span");
      name.textContent = data.kind === "donut" ? number.format(point.percent) + " %" : words(point.seriesName);
      const value = document.createElement("b");
      value.textContent = show(data.unit, point.value);
      row.append(mark, name, value);
      told.append(row);
    }
    return told;
  }

  function base(data, look) {
    return {
      animation: !still.matches,
      animationDuration: 350,
      animationDurationUpdate: 250,
      color: look.colours,
      textStyle: { fontFamily: "system-ui, sans-serif", color: look.ink },
      tooltip: {
        trigger: data.kind === "donut" ? "item" : "axis",
        confine: true,
        transitionDuration: 0,
        backgroundColor: look.card,
        borderColor: look.line,
        padding: [8, 12],
        axisPointer: {
          type: data.kind === "lines" ? "line" : "shadow",
          lineStyle: { color: look.ink, type: "dashed" },
          shadowStyle: { color: look.band },
        },
        formatter: (points) => box(data, points),
      },
    };
  }

  const legend = (look) => ({
    type: "scroll",
    icon: "roundRect",
    itemWidth: 10,
    itemHeight: 10,
    itemGap: 16,
    pageIconSize: 10,
    pageIconColor: look.ink,
    pageTextStyle: { color: look.ink },
    inactiveColor: look.line,
    textStyle: { color: look.ink, fontSize: 12 },
    formatter: brief,
  });

  function donut(data, look, wide) {
    const values = data.labels.map((name, index) => ({ name, value: data.lines[0].values[index] || 0 }));
    const all = values.reduce((sum, one) => sum + one.value, 0);
    const middle = wide ? ["25%", "50%"] : ["50%", "29%"];
    const share = (name) => number.format((100 * values.find((one) => one.name === name).value) / (all || 1));
    return {
      ...base(data, look),
      title: {
        text: all < 1e7 ? show(data.unit, all) : short(data.unit, all),
        subtext: "total",
        left: middle[0],
        top: wide ? "40%" : "23%",
        textAlign: "center",
        itemGap: 6,
        textStyle: { color: look.strong, fontSize: 18, lineHeight: 20, fontWeight: 640 },
        subtextStyle: { color: look.ink, fontSize: 12 },
      },
      legend: {
        ...legend(look),
        ...(wide
          ? { orient: "vertical", left: "49%", top: "middle", itemGap: 10 }
          : { orient: "vertical", bottom: 0, left: "center", itemGap: 5 }),
        formatter: (name) => brief(name) + "  " + Math.round(share(name) * 10) / 10 + " %",
      },
      series: [
        {
          type: "pie",
          radius: wide ? ["52%", "78%"] : ["38%", "56%"],
          center: middle,
          label: { show: false },
          data: values,
          padAngle: 1,
          itemStyle: { borderRadius: 4 },
          emphasis: { scaleSize: 4 },
        },
      ],
    };
  }

  function bars(data, look, room) {
    const many = data.lines.length > 1;
    return {
      ...base(data, look),
      legend: many ? { ...legend(look), top: 0, left: 0 } : undefined,
      grid: { left: 4, right: many ? 12 : 74, top: many ? 30 : 4, bottom: 4, containLabel: true },
      xAxis: { type: "value", show: false },
      yAxis: {
        type: "category",
        data: data.labels,
        inverse: true,
        axisTick: { show: false },
        axisLine: { show: false },
        axisLabel: { color: look.strong, width: Math.max(128, Math.min(184, room * 0.5)), overflow: "truncate", formatter: words },
      },
      series: data.lines.map((one) => ({
        name: one.name,
        type: "bar",
        data: one.values.map((value, index) => ({ value, itemStyle: { color: look.named[data.labels[index]] } })),
        barMaxWidth: 24,
        barCategoryGap: "32%",
        itemStyle: { borderRadius: [0, 4, 4, 0] },
        label: {
          show: !many,
          position: "right",
          color: look.ink,
          formatter: (point) => show(data.unit, point.value),
        },
      })),
    };
  }

  function overTime(data, look) {
    const many = data.lines.length > 1;
    const long = data.labels.length > 20;
    const stack = data.kind === "stack";
    const colour = (one, index) => look.named[one.name] || look.colours[index % look.colours.length];
    return {
      ...base(data, look),
      legend: many ? { ...legend(look), top: 0, left: 0 } : undefined,
      grid: { left: 4, right: 12, top: many ? 38 : 12, bottom: long ? 40 : 4, containLabel: true },
      dataZoom: long
        ? [
            // Turning the wheel scrolls the page; with the control key it zooms.
            { type: "inside", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, preventDefaultMouseMove: false },
            {
              type: "slider",
              height: 16,
              bottom: 6,
              left: 40,
              right: 40,
              showDetail: false,
              brushSelect: true,
              borderColor: "transparent",
              backgroundColor: look.band,
              fillerColor: look.band,
              handleStyle: { color: look.card, borderColor: look.ink },
              moveHandleSize: 0,
              dataBackground: { lineStyle: { color: look.line }, areaStyle: { color: look.line } },
              selectedDataBackground: { lineStyle: { color: look.ink }, areaStyle: { color: look.line } },
            },
          ]
        : undefined,
      xAxis: {
        type: "category",
        data: data.labels,
        boundaryGap: stack,
        axisTick: { show: false },
        axisLine: { lineStyle: { color: look.line } },
        axisLabel: {
          color: look.ink,
          fontSize: 11,
          hideOverlap: true,
          formatter: (_, index) => label(data, index, false),
        },
      },
      yAxis: {
        type: "value",
        splitNumber: 4,
        minInterval: data.unit === "count" ? 1 : 0,
        splitLine: { lineStyle: { color: look.line } },
        axisLabel: { color: look.ink, fontSize: 11, formatter: (value) => short(data.unit, value) },
      },
      series: data.lines.map((one, index) => {
        const target = one.name === "target";
        return {
          name: one.name,
          data: one.values,
          type: stack ? "bar" : "line",
          stack: stack ? "all" : undefined,
          color: colour(one, index),
          // A point without neighbours would not be seen as a line.
          showSymbol: !target && data.labels.length < 40,
          symbolSize: 5,
          connectNulls: false,
          barMaxWidth: 28,
          barCategoryGap: "24%",
          z: target ? 1 : 2,
          lineStyle: target ? { type: [5, 5], width: 1.5 } : { width: 2 },
          areaStyle: !stack && index === 0 ? { opacity: 0.1 } : undefined,
          emphasis: { focus: many && !target ? "series" : "none" },
        };
      }),
    };
  }

  function options(data, place) {
    amounts(data.unit, data.locale);
    const look = palette();
    const room = place.clientWidth;
    if (data.kind === "donut") return donut(data, look, room > 460);
    return data.kind === "bars" ? bars(data, look, room) : overTime(data, look);
  }

  function save(name, address) {
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
    if (address.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  function csv(data) {
    // As src/files/csv.rs: no cell is a formula for a spreadsheet, and numbers stay numbers.
    const number = /^[+-]?(\p{Sc}\u00a0?)?[0-9]+([., '\u00a0\u202f][0-9]+)*([eE][+-]?[0-9]+)?%?(\u00a0?\p{Sc})?$/u;
    const formula = /^[\s\p{Cc}\p{Cf}"'`“”„‘’«»]*[=+\-@＝＋－＠﹦﹢﹣﹫−]/u;
    const part = (text) =>
      !text.startsWith("'") && text !== "-" && !number.test(text) && formula.test(text) ? "'" + text : text;
    const cell = (value) => {
      let text = value === null || value === undefined ? "" : String(value);
      const hidden = /^[\t\r\n]/.test(text) ? "'" : "";
      text = hidden + text.replace(/[^;\t\n\r]+/g, part);
      return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
    };
    const rows = [["", ...data.lines.map((one) => one.name)]];
    data.labels.forEach((label, index) => rows.push([label, ...data.lines.map((one) => one.values[index])]));
    return rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
  }

  const read = (place) => JSON.parse(place.dataset.chart);

  function menu(place) {
    const figure = place.closest("figure");
    if (figure.querySelector(".menu")) return;
    const title = read(place).title;
    const made = document.createElement("details");
    made.className = "menu";
    made.dataset.own = "";
    const summary = document.createElement("summary");
    summary.textContent = "Export";
    summary.setAttribute("aria-label", "Export " + title);
    const list = document.createElement("div");
    list.className = "exports";
    const blob = (text, type) => URL.createObjectURL(new Blob([text], { type }));
    const kinds = [
      ["CSV table", (data) => save(data.key + ".csv", blob(csv(data), "text/csv"))],
      ["JSON", (data) => save(data.key + ".json", blob(JSON.stringify(data), "application/json"))],
      [
        "PNG picture",
        (data) =>
          save(data.key + ".png", drawn.get(place).getDataURL({ pixelRatio: 2, backgroundColor: palette().card })),
      ],
    ];
    for (const [name, act] of kinds) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.addEventListener("click", () => {
        act(read(place));
        made.open = false;
        summary.focus();
      });
      list.append(button);
    }
    made.append(summary, list);
    figure.prepend(made);
  }

  function draw(place) {
    if (drawn.has(place)) return;
    place.classList.add(read(place).kind);
    const chart = echarts.init(place, null, { renderer: "canvas" });
    chart.setOption(options(read(place), place));
    drawn.set(place, chart);
    // Beside a card that grows, a chart grows as well.
    new ResizeObserver(() => {
      if (place.clientWidth && !chart.isDisposed()) chart.resize();
    }).observe(place);
    menu(place);
  }

  let loading = null;
  function library() {
    loading ||= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = document.body.dataset.charts;
      script.onload = done;
      script.onerror = () => {
        loading = null;
        failed(new Error("the charts cannot be loaded"));
      };
      document.head.append(script);
    });
    return loading;
  }

  /** Draws what is not drawn yet. */
  async function all() {
    const places = document.querySelectorAll(".chart");
    if (!places.length) return;
    if (!window.echarts) {
      try {
        await library();
      } catch {
        return;
      }
    }
    document.querySelectorAll(".chart").forEach(draw);
  }

  /** Shows other numbers in a chart; what was zoomed or switched off stays so. */
  function change(place, data) {
    if (place.dataset.chart === data) return;
    place.dataset.chart = data;
    drawn.get(place)?.setOption(options(read(place), place), { replaceMerge: ["series"] });
  }

  /** Forgets charts that are no longer on the page. */
  function tidy() {
    for (const [place, chart] of drawn) {
      if (!place.isConnected) {
        chart.dispose();
        drawn.delete(place);
      }
    }
  }

  /** Draws everything anew, for another width or other colours; what was zoomed or switched off stays so. */
  function again() {
    for (const [place, chart] of drawn) {
      chart.resize();
      const was = chart.getOption();
      const next = { ...options(read(place), place), animationDuration: 0 };
      next.dataZoom?.forEach((zoom, index) => {
        zoom.start = was.dataZoom?.[index]?.start;
        zoom.end = was.dataZoom?.[index]?.end;
      });
      if (next.legend && was.legend?.[0]) next.legend.selected = was.legend[0].selected;
      chart.setOption(next, { notMerge: true });
    }
  }
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(again, 80);
  });
  dark.addEventListener("change", again);
  still.addEventListener("change", again);
  return { all, change, tidy };
})();
