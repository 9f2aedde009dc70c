import Synchronization

/// What one call of `encode` works with. A call has it to itself, so it needs no lock.
final class EncodingWorkspace: @unchecked Sendable {
    let cache = WordCache()
    var buffers = PreTokenizer.Workspace()
}

/// Workspaces that no call is using; a lock is taken twice a call, not once a word.
final class WorkspacePool: Sendable {
    private let idle = Mutex<[EncodingWorkspace]>([])

    func withWorkspace<Result>(_ body: (EncodingWorkspace) -> Result) -> Result {
        let workspace = idle.withLock { $0.popLast() } ?? EncodingWorkspace()
        defer { idle.withLock { $0.append(workspace) } }
        return body(workspace)
    }
}
