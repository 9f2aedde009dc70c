import JSON

/// A part of a report: what it shows, as a page, as JSON and as rows.
package protocol ReportSection: SendableMetatype {
    /// Its heading.
    static var title: String { get }
    /// Its place in the page, and its key in the JSON form.
    static var key: String { get }

    /// `nil` where there is nothing to show.
    init?(_ report: Report)
    /// What stands under the heading.
    var body: Markup { get }
    /// The numbers that it shows.
    var numbers: JSON { get }
    /// Hands on the same in long form, where they are values of a run.
    func forEachRow(_ body: (ReportRow) -> Void)
}

extension ReportSection {
    package func forEachRow(_ body: (ReportRow) -> Void) {}
}

/// A value of a run in long form.
package struct ReportRow: Sendable, Equatable {
    package var run: String
    package var stage: String
    /// `nil` for what is of the stage as a whole.
    package var step: Int?
    package var metric: String
    package var value: Double
}

/// All parts, in the order of the page: an addition is a file and a line here.
enum ReportSections {
    static let all: [any ReportSection.Type] = [
        WarningsSection.self,
        OverviewSection.self,
        EvaluationSection.self,
        StudySection.self,
        DistributionsSection.self,
        GapSection.self,
        CurvesSection.self,
        SamplesSection.self,
        TimingSection.self,
        SettingsSection.self,
    ]
}
