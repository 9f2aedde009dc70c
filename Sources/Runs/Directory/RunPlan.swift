import Foundation
import PreferenceData
import Torch

/// A resolved run: its stages with their places on disk.
package struct RunPlan {
    package let configuration: RunConfiguration
    package let directory: RunDirectory
    package let stages: [PlannedStage]
    /// The device of this process, where its models lie.
    package var device = Device.cpu

    package init(_ configuration: RunConfiguration) {
        self.configuration = configuration
        let directory = RunDirectory(URL(filePath: configuration.outputDir))
        self.directory = directory
        stages = configuration.stages.enumerated().map { index, stage in
            PlannedStage(index: index, configuration: stage, run: directory)
        }
    }

    /// The seed of a stage's random streams.
    package func seed(of stage: PlannedStage) -> UInt64 {
        var random = SplitMix64(UInt64(configuration.seed), UInt64(stage.index))
        return random.next()
    }

    /// The stage of that name; the configuration has been checked to have it.
    package func stage(named name: String) -> PlannedStage {
        guard let stage = stages.first(where: { $0.name == name }) else {
            preconditionFailure("no stage is named \(name)")
        }
        return stage
    }

    /// The files that data comes from, through the stages that leave it.
    package func sources(of reference: ArtifactReference) throws -> [URL] {
        guard case .stage(let name, _) = reference else { return try RunFiles(self).data([reference]) }
        return try stage(named: name).configuration.inputs.filter(\.isData).map(\.reference).flatMap(sources)
    }
}

/// One stage of a run and its directory.
package struct PlannedStage {
    /// Its place in the run, from 0.
    package let index: Int
    package let configuration: StageConfiguration
    /// Where it leaves things.
    package let directory: URL

    package init(index: Int, configuration: StageConfiguration, run: RunDirectory) {
        self.index = index
        self.configuration = configuration
        directory = run.stages.appending(path: Self.directoryName(index, configuration.name))
    }

    package var name: String { configuration.name }
    package var type: String { configuration.type }

    /// `02-reward` for the second stage.
    package var directoryName: String { Self.directoryName(index, name) }

    /// Where the model that the stage leaves lies.
    package var final: URL { directory.appending(path: "final") }

    /// Whether the stage has left anything that a resumed run would build on; a directory alone is nothing.
    package var hasBegun: Bool { Self.hasBegun(directory) }

    /// The same of the stage of a directory, whatever is planned for it now.
    static func hasBegun(_ directory: URL) -> Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return names.contains { name in
            if AtomicDirectory.isPartial(name) || name.hasPrefix(tablePrefix) || name == NonFiniteNote.name {
                return false
            }
            return name != ItemJournalFile.name || ItemJournalFile.holdsItems(in: directory)
        }
    }

    /// What names of directories begin with that hold what frozen models say of data. Each is named after all that this
    /// depends on within a build, so one that is there is read or not, whatever else changes.
    package static let tablePrefix = "reference-"

    /// The name of the stage that a directory of a run belongs to.
    package static func name(ofDirectory name: String) -> String {
        name.firstIndex(of: "-").map { String(name[name.index(after: $0)...]) } ?? name
    }

    /// The name of the directory of a stage at this place of a run, from 0.
    package static func directoryName(_ index: Int, _ name: String) -> String {
        "\(index < 9 ? "0" : "")\(index + 1)-\(name)"
    }
}
