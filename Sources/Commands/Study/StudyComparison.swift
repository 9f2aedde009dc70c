import Configuration
import Runs
import Stages

/// What a study compares: arms, which are stages that leave a policy, by the numbers of one `evaluate` stage.
package struct StudyComparison: Sendable, Equatable {
    /// The name of the `evaluate` stage.
    package var evaluation: String
    /// What it compares, in its order.
    package var policies: [String]
    /// In the order of the table.
    package var arms: [String]
    /// What differences are taken to: an arm, or another policy that is evaluated.
    package var baseline: String

    package init(evaluation: String, policies: [String], arms: [String], baseline: String) {
        (self.evaluation, self.policies) = (evaluation, policies)
        (self.arms, self.baseline) = (arms, baseline)
    }

    /// Stages whose policies are evaluated and left out of the arms that were named, and that nothing else needs: they are not run.
    package private(set) var leftOut: [String] = []

    /// The arms, after the baseline where it is none of them.
    package var rows: [String] { (arms.contains(baseline) ? [] : [baseline]) + arms }

    /// What else is in the evaluation, such as the policy that arms start from.
    package var others: [String] { policies.filter { !rows.contains($0) } }

    /// - Parameters:
    ///   - arms: Names with commas between; `nil` for all stages whose policies are compared.
    ///   - baseline: One of them, or of what is evaluated beside them; `nil` for the first arm.
    ///   - evaluation: Which `evaluate` stage; `nil` for the one that compares the arms.
    /// - Throws: ``StudyError``, or ``ConfigurationError`` for a run without such stages.
    package init(
        of configuration: RunConfiguration, arms: String?, baseline: String?, evaluation: String?
    ) throws {
        let wanted = try arms.map { try Self.arms($0, of: configuration) }
        let stage = try Self.evaluation(evaluation, comparing: wanted ?? [], of: configuration)
        self.evaluation = stage.name
        policies = stage.policies.map(\.description)
        self.arms =
            wanted
            ?? stage.policies.compactMap { if case .stage(let name, _) = $0 { name } else { nil } }
        guard let first = self.arms.first else {
            throw configuration.error(
                at: "\(stage.name).policies", "names no stage, so there are no arms to compare",
                remedy: "name stages that leave a policy")
        }
        self.baseline = baseline ?? first
        guard policies.contains(self.baseline) else {
            throw StudyError(
                "--baseline", "\(stage.name) does not compare '\(self.baseline)'",
                Self.choices(self.baseline, policies, "its policies"))
        }
        guard wanted != nil else { return }
        leftOut = Self.unneeded(policies.filter { !rows.contains($0) }, besides: stage.name, of: configuration)
        policies.removeAll(where: leftOut.contains)
    }

    /// Of these policies the stages that no other stage reads, but the evaluation.
    private static func unneeded(
        _ policies: [String], besides evaluation: String, of configuration: RunConfiguration
    ) -> [String] {
        var names = policies.filter { configuration.stage(named: $0) != nil }
        func isRead(_ name: String) -> Bool {
            configuration.stages.contains { stage in
                guard !names.contains(stage.name) else { return false }
                return stage.inputs.contains { input in
                    guard case .stage(name, _) = input.reference else { return false }
                    return stage.name != evaluation || input.key != "policies"
                }
            }
        }
        while let needed = names.firstIndex(where: isRead) { names.remove(at: needed) }
        return names
    }

    private static func arms(_ text: String, of configuration: RunConfiguration) throws -> [String] {
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let policies = configuration.stages.filter { $0.stage.leaves == .policy }.map(\.name)
        for (index, name) in names.enumerated() {
            guard policies.contains(name) else {
                let stage = configuration.stage(named: name)
                throw StudyError(
                    "--arms", stage.map { "'\(name)' (\($0.type)) leaves no policy" } ?? "no stage '\(name)' in stages",
                    choices(name, policies, "stages that leave a policy"))
            }
            guard !names[..<index].contains(name) else {
                throw StudyError("--arms", "'\(name)' is there twice", "keep one")
            }
        }
        return names
    }

    private typealias Evaluation = (name: String, policies: [ArtifactReference])

    private static func evaluation(
        _ name: String?, comparing arms: [String], of configuration: RunConfiguration
    ) throws -> Evaluation {
        let all: [Evaluation] = configuration.stages.filter { $0.type == EvaluateStage.type }.map { stage in
            (stage.name, stage.inputs.filter { $0.key == "policies" }.map(\.reference))
        }
        guard let last = all.last else {
            throw configuration.error(
                at: "stages", "no \(EvaluateStage.type) stage, by whose numbers a study compares its arms",
                remedy: "add one, with the arms among its policies")
        }
        if let name, !all.contains(where: { $0.name == name }) {
            throw StudyError(
                "--evaluation", "'\(name)' is no \(EvaluateStage.type) stage",
                choices(name, all.map(\.name), "\(EvaluateStage.type) stages"))
        }
        let named = all.filter { name == nil || $0.name == name }
        func missing(_ evaluation: Evaluation) -> String? {
            arms.first { !evaluation.policies.contains(.stage($0, part: nil)) }
        }
        let fitting = named.filter { missing($0) == nil }
        guard let found = fitting.first else {
            let stage = named.last ?? last
            let arm = missing(stage) ?? ""
            throw StudyError(
                "--arms", "'\(arm)' is not among the policies of \(stage.name)",
                "add it to \(stage.name).policies, or leave it out")
        }
        guard fitting.count == 1 else {
            throw StudyError(
                "--evaluation", "\(fitting.map(\.name).joined(separator: " and ")) compare the arms",
                "say whose numbers count, as in --evaluation \(found.name)")
        }
        return found
    }

    /// Which name was probably meant, and which there are.
    static func choices(_ name: String, _ names: [String], _ what: String) -> String {
        let nearest = NearestName.of(name, in: names).map { "did you mean \($0)? " } ?? ""
        return "\(nearest)\(what) are \(names.isEmpty ? "none" : names.joined(separator: ", "))"
    }
}
