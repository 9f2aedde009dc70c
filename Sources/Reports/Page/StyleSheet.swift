/// How a page looks: in light and dark, from a phone's width on, and on paper.
enum StyleSheet {
    /// A string of the program, since an installed one is a single file.
    static let css = """
        :root {
          color-scheme: light dark;
          --bg: #fff; --panel: #f7f7f5; --ink: #1d1f23; --ink-2: #555a63; --ink-3: #777d87;
          --rule: #d9dadd; --grid: #e8e9eb; --warn: #9a3b16; --warn-bg: #fdf3ec; --good: #2f7d4f; --link: #2a63ad;
          --p0: #2f6db3; --p1: #c9553d; --p2: #2f8f6b; --p3: #8a5bb5; --p4: #b58a1b;
          --p5: #2494a6; --p6: #b8507f; --p7: #6b7a2a; --p8: #8b6046; --p9: #5b6b80;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --bg: #15171a; --panel: #1d2024; --ink: #e8e9eb; --ink-2: #aeb3bb; --ink-3: #8a909a;
            --rule: #363a40; --grid: #292d32; --warn: #f0a579; --warn-bg: #2b211b; --good: #7cc79a; --link: #86b6ee;
            --p0: #6ea8e5; --p1: #ea8770; --p2: #62c39d; --p3: #b994e0; --p4: #d8b450;
            --p5: #62c3d3; --p6: #e48ab2; --p7: #a8b861; --p8: #c39a80; --p9: #9aabc1;
          }
        }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; }
        body {
          margin: 0 auto; padding: 28px clamp(14px, 4vw, 40px) 64px; max-width: 1240px; background: var(--bg); color: var(--ink);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif;
          font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
        }
        header { border-bottom: 1px solid var(--rule); padding-bottom: 14px; }
        h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; font-weight: 650; letter-spacing: -.01em; }
        h2 { font-size: 19px; line-height: 1.3; margin: 44px 0 10px; font-weight: 650; letter-spacing: -.005em; }
        h3 { font-size: 15px; margin: 26px 0 8px; font-weight: 650; }
        h3 small { font-weight: 400; color: var(--ink-3); font-size: 13px; margin-left: 6px; }
        p { margin: 6px 0; max-width: 78ch; }
        .note { color: var(--ink-2); font-size: 13.5px; }
        nav { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 13.5px; margin-top: 10px; }
        a { color: var(--link); text-decoration: none; }
        a:hover { text-decoration: underline; }
        .scroll { overflow-x: auto; margin: 10px 0; max-width: 100%; }
        table { border-collapse: collapse; font-size: 13.5px; }
        th, td { text-align: left; vertical-align: top; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--grid); }
        th { font-weight: 600; color: var(--ink-2); border-bottom-color: var(--rule); vertical-align: bottom; }
        th, td { white-space: nowrap; }
        td.prose { white-space: normal; min-width: 26ch; }
        th.n, td.n { text-align: right; white-space: nowrap; }
        small, .dim { color: var(--ink-3); font-size: 12.5px; }
        .key { white-space: nowrap; }
        .key::before {
          content: ""; display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin-right: 6px;
          background: var(--c); -webkit-print-color-adjust: exact; print-color-adjust: exact;
        }
        .keys { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 13.5px; margin: 8px 0; }
        ul.warnings { list-style: none; margin: 16px 0 0; padding: 10px 14px; background: var(--warn-bg); border-left: 3px solid var(--warn); }
        ul.warnings li { margin: 3px 0; }
        ul.warnings b { color: var(--warn); font-weight: 600; }
        .grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 18px 28px; margin: 12px 0; }
        .small { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 210px), 1fr)); gap: 14px 22px; margin: 12px 0; }
        .wide { max-width: 760px; margin: 12px 0; }
        figure { margin: 0; break-inside: avoid; min-width: 0; }
        figcaption { font-size: 13px; font-weight: 600; line-height: 1.35; margin-bottom: 2px; }
        figcaption small { font-weight: 400; }
        svg { display: block; width: 100%; height: auto; overflow: visible; }
        svg text { font-size: 10.5px; fill: var(--ink-3); font-family: inherit; }
        svg .label { font-weight: 600; fill: var(--c, var(--ink-2)); }
        svg .plain { fill: var(--ink-2); }
        .gridline { stroke: var(--grid); stroke-width: 1; }
        .axis { stroke: var(--rule); stroke-width: 1; }
        .line { fill: none; stroke: var(--c); stroke-width: 1.7; stroke-linejoin: round; stroke-linecap: round; }
        .raw { fill: none; stroke: var(--c); stroke-width: 1; opacity: .32; stroke-linejoin: round; }
        .dash { stroke-dasharray: 5 3; }
        .dots { stroke-dasharray: 1.5 3; }
        .dot { fill: var(--c); }
        .faint { opacity: .45; }
        .bar { fill: var(--c); fill-opacity: .78; }
        .area { fill: var(--c); fill-opacity: .22; stroke: var(--c); stroke-width: 1.2; }
        .mark { stroke: var(--ink-2); stroke-width: 1; stroke-dasharray: 3 3; }
        .bad { stroke: var(--warn); stroke-width: 1.4; }
        .hover { fill: transparent; }
        .hover:hover { fill: var(--c); }
        .bar:hover, .area:hover { fill-opacity: .5; }
        .matrix td, .matrix th { padding: 7px 12px; border: 1px solid var(--bg); text-align: center; white-space: nowrap; }
        .matrix th { color: var(--ink-2); background: none; }
        .matrix th[scope=row] { text-align: left; padding-left: 0; }
        .matrix th[scope=row] { vertical-align: middle; }
        .matrix td { min-width: 92px; background: color-mix(in srgb, var(--c) var(--w), var(--panel)); -webkit-print-color-adjust: exact; print-color-adjust: exact; }
        .matrix td b { font-weight: 650; display: block; }
        .matrix td small { color: var(--ink-2); }
        .matrix td.none { background: var(--panel); color: var(--ink-3); }
        details { margin: 10px 0; }
        summary { cursor: pointer; color: var(--link); font-size: 13.5px; }
        .sample { border-top: 1px solid var(--rule); padding: 12px 0; break-inside: avoid; }
        .prompt { color: var(--ink-2); font-size: 13.5px; white-space: pre-wrap; margin: 0 0 8px; max-width: 100ch; }
        .answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); gap: 10px; }
        .answer { background: var(--panel); border-top: 2px solid var(--c); padding: 7px 10px; font-size: 13.5px; min-width: 0; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
        .answer h4 span + span { font-weight: 400; color: var(--ink-3); white-space: nowrap; }
        .answer h4 b { color: var(--ink); font-weight: 650; }
        .answer h4 { margin: 0 0 3px; font-size: 12.5px; font-weight: 600; display: flex; justify-content: space-between; gap: 10px; color: var(--ink-2); }
        .answer div { white-space: pre-wrap; overflow-wrap: anywhere; }
        .settings td { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 12.5px; }
        footer { margin-top: 56px; padding-top: 12px; border-top: 1px solid var(--rule); color: var(--ink-3); font-size: 12.5px; }
        @media (max-width: 480px) {
          h1 { font-size: 22px; }
          .matrix td { min-width: 76px; padding: 6px 4px; }
          .matrix th { padding: 6px 4px; }
        }
        @media print {
          :root {
            color-scheme: light;
            --bg: #fff; --panel: #f7f7f5; --ink: #000; --ink-2: #444; --ink-3: #666; --rule: #bbb; --grid: #ddd; --warn: #8a3312;
            --warn-bg: #fff; --link: #000;
            --p0: #2f6db3; --p1: #c9553d; --p2: #2f8f6b; --p3: #8a5bb5; --p4: #b58a1b;
            --p5: #2494a6; --p6: #b8507f; --p7: #6b7a2a; --p8: #8b6046; --p9: #5b6b80;
          }
          body { font-size: 10.5pt; padding: 0; max-width: none; }
          nav, details:not([open]) { display: none; }
          h2, h3 { break-after: avoid; }
          .scroll { overflow: visible; }
          tr, figure, .sample { break-inside: avoid; }
          .grid { grid-template-columns: repeat(2, 1fr); }
        }
        """
}
