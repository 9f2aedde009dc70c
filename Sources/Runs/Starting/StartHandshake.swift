import Foundation
import MPI

/// What all ranks agree on before any of them trains: the same program, configuration, data and models, and a run
/// directory that all of them see.
package struct StartHandshake {
    /// What rank zero has.
    private struct Offer: Codable {
        var build: BuildIdentity
        var configuration: String
        var inputs: [RunInput]
        /// The name of a file in the run directory; `nil` where the run is finished.
        var token: String?
    }

    /// What a rank has to say against it.
    private struct Objection: Codable {
        var host: String
        var what: String
    }

    package let plan: RunPlan
    package let build: BuildIdentity
    package let control: Communicator

    /// Compares what the ranks have; all ranks call this together.
    ///
    /// - Parameter opening: On rank zero alone.
    /// - Returns: Whether there is anything left to do.
    /// - Throws: ``StartError/rankDiffers(rank:host:what:)``, the same on every rank.
    package func callAsFunction(_ opening: RunOpening?) throws -> Bool {
        guard control.size > 1 else { return opening?.lock != nil }
        let token = try opening.flatMap(place)
        defer { token.map { _ = try? FileManager.default.removeItem(at: url(ofToken: $0)) } }
        let own = try opening.map { opening in
            try JSONEncoder().encode(
                Offer(
                    build: build, configuration: plan.configuration.yaml, inputs: opening.state.identity.inputs,
                    token: token))
        }
        let offer = try JSONDecoder().decode(
            Offer.self, from: Data(try control.broadcast(Array(own ?? Data()), root: 0)))
        guard let token = offer.token else { return false }
        let objection = objection(to: offer, token).map { Objection(host: LaunchEnvironment.hostName, what: $0) }
        // Some look longer than others.
        try control.quietBarrier()
        let all = try control.allGather(Array(try JSONEncoder().encode(objection)))
        for (rank, bytes) in all.enumerated() {
            guard let other = try JSONDecoder().decode(Objection?.self, from: Data(bytes)) else { continue }
            throw StartError.rankDiffers(rank: rank, host: other.host, what: other.what)
        }
        return true
    }

    /// Writes a file that the other ranks look for; `nil` where there is nothing to do.
    private func place(_ opening: RunOpening) throws -> String? {
        guard let token = opening.lock?.owner.token else { return nil }
        do {
            try Data().write(to: url(ofToken: token))
        } catch {
            throw RunError.unusableDirectory(plan.directory.url.path, reason: SystemError.reason(error))
        }
        return token
    }

    private func url(ofToken token: String) -> URL { plan.directory.url.appending(path: ".start.\(token)") }

    private func objection(to offer: Offer, _ token: String) -> String? {
        guard build == offer.build else {
            return "runs \(build.text), but rank 0 \(offer.build.text); put the same mpo on all hosts"
        }
        guard plan.configuration.yaml == offer.configuration else {
            return "resolves the configuration differently than rank 0 does; put the same mpo on all hosts"
        }
        for file in offer.inputs.flatMap(\.files) {
            guard let own = try? FileIdentity(path: file.path, knowing: file, trustingFrom: 0) else {
                return "cannot read \(file.path), which rank 0 reads; put it on a file system that all hosts share"
            }
            guard own.contents == file.contents else {
                return
                    "sees another \(file.path) than rank 0 does (\(own.contents.text) against \(file.contents.text)); "
                    + "put the same file on all hosts"
            }
        }
        return directoryObjection(token)
    }

    /// Network file systems remember for a while that something was not there.
    private func directoryObjection(_ token: String) -> String? {
        let directory = plan.directory.url.path
        for pause in [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 4, 5] {
            Thread.sleep(forTimeInterval: pause)
            // To list a directory makes the file system ask its server.
            _ = try? FileManager.default.contentsOfDirectory(atPath: directory)
            guard FileManager.default.fileExists(atPath: url(ofToken: token).path) else { continue }
            return access(directory, W_OK) == 0 ? nil : "cannot write into \(directory); check its permissions there"
        }
        return "does not see what rank 0 writes into \(directory); put output_dir on a file system that all hosts share"
    }
}
