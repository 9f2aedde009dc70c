import Foundation
import Runs

/// How far a run has come, and why no further.
package enum RunStatus: Sendable, Equatable {
    case done
    /// Somebody is at work on it.
    case running(owner: String)
    /// It was stopped, and can go on.
    case stopped(stage: String, step: Int?)
    /// It ended without giving its lock up: it was killed, or its machine went down.
    case killed(stage: String, owner: String)
    /// A number that is not finite has ended it.
    case failed(stage: String, problem: String)
    /// Nothing says so.
    case unknown

    /// Whether all is there that there will be.
    package var isDone: Bool { self == .done }

    init(of directory: RunDirectory, _ state: RunState?, _ stages: [StageRecord]) {
        let owner = try? HeldLock(directory.lock)
        if let owner, !owner.isStale {
            self = .running(owner: owner.ownerText)
            return
        }
        guard state != nil else {
            self = .unknown
            return
        }
        guard let next = stages.first(where: { !$0.isDone }) else {
            self = .done
            return
        }
        if let failure = next.failure {
            self = .failed(stage: next.name, problem: failure)
        } else if let owner {
            self = .killed(stage: next.name, owner: owner.ownerText)
        } else {
            self = .stopped(stage: next.name, step: next.curves?.steps.last.map { Int($0) })
        }
    }

    /// A word.
    package var word: String {
        switch self {
        case .done: "finished"
        case .running: "running"
        case .stopped: "stopped"
        case .killed: "ended abruptly"
        case .failed: "failed"
        case .unknown: "unknown"
        }
    }

    /// What that means for the numbers, and how the run goes on; `nil` for one that is done.
    package var warning: String? {
        switch self {
        case .done, .unknown: nil
        case .running(let owner): "is still running (\(owner)): its numbers are those of now"
        case .stopped(let stage, let step):
            "was stopped \(step.map { "after step \($0) of" } ?? "before") \(stage): mpo train CONFIG --resume goes on"
        case .killed(let stage, let owner):
            "ended without a word in \(stage) (\(owner)): mpo train CONFIG --resume goes on"
        case .failed(_, let problem): "failed: \(problem)"
        }
    }
}

extension HeldLock {
    /// By this machine's clock, which is that of the file system or near it.
    fileprivate var isStale: Bool {
        isStale(now: Int(Date().timeIntervalSince1970 * 1e9), expiry: Int(RunLock.Timing().expiry * 1e9))
    }
}
