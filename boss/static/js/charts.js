// Pictures of tables: what the server sends as plain data ("kind", labels, series), drawn by ECharts as SVG.
// Colours come from tokens.css by the role of a series, so that one meaning has one colour in every report.
(function () {
  "use strict";

  var ROLES = {
    in: 1, out: 7, backlog: 6, p10: 6, p25: 1, p50: 1, p75: 1, p90: 2, kept: 7, missed: 5, late: 5, sum: 6,
    age0: 3, age1: 1, age2: 8, age3: 2, age4: 5, s0: 1, s1: 2, s2: 3, s3: 4, s4: 8
  };
  var drawn = [];

  // A token may be light-dark(…): what it comes to is only known once it is somebody's colour.
  function colour(name) {
    var probe = document.createElement("span");
    probe.hidden = true;
    probe.style.color = "var(--boss-" + name + ")";
    document.body.appendChild(probe);
    var found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }
  function of(role) { return colour("chart-" + (ROLES[role] || 1)); }

  function short(value, unit) {
    if (unit === "percent") return value + " %";
    if (unit !== "seconds") return value >= 10000 ? Math.round(value / 1000) + "k" : String(value);
    if (value >= 172800) return Math.round(value / 86400) + " d";
    if (value >= 5400) return Math.round(value / 3600) + " h";
    return Math.round(value / 60) + " min";
  }

  function values(series) {
    return series.values.map(function (value, at) { return { value: value, url: series.urls[at], words: series.words[at] }; });
  }

  function words(point) {
    var shown = (Array.isArray(point) ? point : [point]).filter(function (each) { return each.data; });
    if (!shown.length) return "";
    var head = shown[0].name || shown[0].axisValueLabel || "";
    return head + "\n" + shown.map(function (each) {
      return each.data.told || (each.seriesName + ": " + (each.data.words || each.data.value));
    }).join("\n");
  }

  function base(chart, box) {
    var text = colour("text"), quiet = colour("text-quiet"), line = colour("line");
    return {
      animation: false,
      aria: { enabled: true, label: { description: chart.title }, decal: { show: chart.stacked && chart.series.length > 2 } },
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: text },
      grid: { left: 16, right: 16, top: chart.series.length > 1 && chart.kind !== "heat" ? 40 : 16, bottom: 8, containLabel: true },
      legend: { show: chart.series.length > 1 && chart.kind !== "heat" && chart.kind !== "box", type: "scroll", top: 0, left: 0, textStyle: { color: text }, pageTextStyle: { color: quiet }, pageIconColor: text },
      tooltip: { trigger: "axis", renderMode: "richText", confine: true, formatter: words, backgroundColor: colour("surface"), borderColor: line, textStyle: { color: text } },
      categories: function (more) {
        return Object.assign({ type: "category", data: chart.labels, axisLabel: { color: quiet, hideOverlap: true }, axisLine: { lineStyle: { color: line } }, axisTick: { show: false } }, more);
      },
      numbers: function (unit, more) {
        return Object.assign({ type: "value", minInterval: unit === "count" ? 1 : 0, axisLabel: { color: quiet, hideOverlap: true, formatter: function (value) { return short(value, unit); } }, splitLine: { lineStyle: { color: line } } }, more);
      },
      narrow: box.clientWidth < 560, text: text, quiet: quiet, line: line
    };
  }

  function bar(series, stacked) {
    return { type: series.line ? "line" : "bar", name: series.name, data: values(series), stack: stacked && !series.line ? "all" : undefined, barMaxWidth: 28, itemStyle: { color: of(series.role) }, lineStyle: { color: of(series.role), width: 2 }, symbol: "circle", symbolSize: 5 };
  }
  function lying(part) {
    return part.categories({ inverse: true, axisLabel: { color: part.quiet, width: part.narrow ? 96 : 220, overflow: "truncate" } });
  }

  var KINDS = {
    lines: function (chart, part) {
      return {
        // What waits is many times what comes and goes: on one scale those would be flat.
        xAxis: part.categories(), yAxis: [part.numbers("count"), part.numbers("count", { splitLine: { show: false } })],
        series: chart.series.map(function (each) {
          var area = each.role === "backlog";
          return { type: "line", yAxisIndex: area ? 1 : 0, name: each.name, data: values(each), symbol: "circle", symbolSize: 5, showSymbol: chart.labels.length < 40, color: of(each.role), lineStyle: { width: 2, type: area ? "dashed" : "solid" }, areaStyle: area ? { opacity: 0.12 } : undefined };
        })
      };
    },
    band: function (chart, part) {
      return {
        xAxis: part.categories(), yAxis: part.numbers("seconds"),
        series: chart.series.map(function (each) {
          return { type: "line", name: each.name, data: values(each), connectNulls: true, symbol: "circle", symbolSize: 5, color: of(each.role), lineStyle: { width: 2, type: each.role === "p90" ? "dashed" : "solid" }, areaStyle: { opacity: 0.1 } };
        })
      };
    },
    bars: function (chart, part) {
      return { xAxis: part.categories(), yAxis: part.numbers(chart.series[0].unit), series: chart.series.map(function (each) { return bar(each, chart.stacked); }) };
    },
    rows: function (chart, part) {
      return { yAxis: lying(part), xAxis: part.numbers(chart.series[0].unit), series: chart.series.map(function (each) { return bar(each, chart.stacked); }) };
    },
    pareto: function (chart, part) {
      return {
        xAxis: part.categories({ axisLabel: { color: part.quiet, hideOverlap: true, width: 90, overflow: "truncate" } }),
        yAxis: [part.numbers("count"), part.numbers("percent", { min: 0, max: 100, splitLine: { show: false } })],
        series: chart.series.map(function (each) { return Object.assign(bar(each, false), { yAxisIndex: each.line ? 1 : 0 }); })
      };
    },
    box: function (chart, part) {
      var middle = chart.series[2];
      return {
        yAxis: lying(part), xAxis: part.numbers("seconds"),
        tooltip: { trigger: "item", renderMode: "richText", confine: true, formatter: words, backgroundColor: colour("surface"), borderColor: part.line, textStyle: { color: part.text } },
        series: [{
          type: "boxplot", itemStyle: { color: colour("raised"), borderColor: of("p50"), borderWidth: 2 }, boxWidth: [8, 22],
          data: chart.labels.map(function (label, at) {
            return {
              name: label, url: middle.urls[at], value: chart.series.map(function (each) { return each.values[at]; }),
              told: chart.series.map(function (each) { return each.name + ": " + each.words[at]; }).join("\n")
            };
          })
        }]
      };
    },
    heat: function (chart, part) {
      var points = [], most = 1;
      chart.series.forEach(function (each, x) {
        each.values.forEach(function (value, y) {
          most = Math.max(most, value);
          points.push({ value: [x, y, value], url: each.urls[y], name: chart.labels[y] + ", " + each.name, told: each.words[y] });
        });
      });
      return {
        xAxis: { type: "category", data: chart.series.map(function (each) { return each.name; }), axisLabel: { color: part.quiet, hideOverlap: true }, axisTick: { show: false }, axisLine: { show: false } },
        yAxis: part.categories({ inverse: true, axisLine: { show: false }, axisLabel: { color: part.quiet, width: part.narrow ? 40 : 90, overflow: "truncate" } }),
        visualMap: { show: false, min: 0, max: most, inRange: { color: [colour("raised"), of("in")] } },
        tooltip: { trigger: "item", renderMode: "richText", confine: true, formatter: words, backgroundColor: colour("surface"), borderColor: part.line, textStyle: { color: part.text } },
        series: [{ type: "heatmap", data: points, itemStyle: { borderColor: colour("surface"), borderWidth: 1 } }]
      };
    }
  };

  function draw(one) {
    var part = base(one.data, one.box), more = KINDS[one.data.kind](one.data, part);
    one.chart.setOption(Object.assign({ animation: part.animation, aria: part.aria, textStyle: part.textStyle, grid: part.grid, legend: part.legend, tooltip: part.tooltip }, more), true);
  }

  function start(box) {
    var data = JSON.parse(document.getElementById(box.dataset.chart).textContent);
    if (data.kind === "rows" || data.kind === "box") box.style.height = Math.max(160, data.labels.length * 34 + 80) + "px";
    var one = { box: box, data: data, chart: window.echarts.init(box, null, { renderer: "svg" }) };
    one.chart.on("click", function (event) { if (event.data && event.data.url) location.href = event.data.url; });
    new ResizeObserver(function () { one.chart.resize(); }).observe(box);
    drawn.push(one);
    draw(one);
  }

  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("[data-chart]").forEach(start);
    function again() { drawn.forEach(draw); }
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    new MutationObserver(again).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
  });
})();
