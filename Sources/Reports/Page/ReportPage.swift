import Foundation
import Runs

/// A report as one HTML file that needs nothing else: no script, no font, no network.
package struct ReportPage {
    private let report: Report

    package init(_ report: Report) { self.report = report }

    package var html: String {
        let sections = ReportSections.all.compactMap { $0.init(report) }
        let links = sections.map { section -> Markup in
            "<a href=\"#\(type(of: section).key)\">\(type(of: section).title)</a>\n"
        }
        let bodies = sections.map { section -> Markup in
            """
            <section id="\(type(of: section).key)">
            <h2>\(type(of: section).title)</h2>
            \(section.body)
            </section>

            """
        }
        let page: Markup = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            \(Self.generator)
            <meta name="color-scheme" content="light dark">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
            <link rel="icon" href="data:,">
            <title>\(report.title) – mpo report</title>
            <style>
            \(Self.styles)
            </style>
            </head>
            <body>
            <header>
            <h1>\(report.title)</h1>
            <p class="note">\(subtitle)</p>
            <nav aria-label="Sections">\(links)</nav>
            </header>
            <main>
            \(bodies)</main>
            <footer>Made by mpo \(BuildInformation.version) on \(Self.text(report.date)) of what the run directories hold. Curves are
            drawn by up to \(CurveThinning.points) points that keep the extremes; bold lines are running means. Hover over a figure's
            points for numbers.</footer>
            </body>
            </html>

            """
        return page.source
    }

    /// By which a page is known as one of this program's.
    static let generator: Markup = "<meta name=\"generator\" content=\"mpo report\">"

    private static let styles = Markup(stringLiteral: StyleSheet.css)

    private var subtitle: String {
        let statuses = Dictionary(grouping: report.runs, by: \.status.word).mapValues(\.count)
        let counts = statuses.sorted { $0.key < $1.key }.map {
            report.runs.count == 1 ? $0.key : "\($0.value) \($0.key)"
        }
        let kind =
            report.runs.count == 1
            ? "One run"
            : report.isOverSeeds ? "One configuration over \(report.runs.count) seeds" : "\(report.runs.count) runs"
        return "\(kind), \(counts.joined(separator: ", "))"
    }

    /// A day and a time in UTC.
    static func text(_ date: Date) -> String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(secondsFromGMT: 0)
        format.dateFormat = "yyyy-MM-dd HH:mm 'UTC'"
        return format.string(from: date)
    }
}
