import Torch
import Transformers

/// The frozen weights of this process, of which models that stand on the same ones share one copy. They are freed with the
/// last of them.
package final class FrozenBases {
    private var known: [String: Held] = [:]

    private struct Held {
        weak var base: FrozenBase?
    }

    private var identities: [String: AdapterBase] = [:]

    package init() {}

    /// What a base's files hold, which are read through once.
    func identity(of directory: ModelDirectory) throws -> AdapterBase {
        let path = directory.url.path
        if let known = identities[path] { return known }
        let identity = try AdapterBase(of: directory)
        identities[path] = identity
        return identity
    }

    /// The weights of a directory, read where no model has them.
    func base(_ directory: ModelDirectory, _ placement: Placement, isQuantized: Bool) throws -> FrozenBase {
        let path = directory.url.standardizedFileURL.resolvingSymlinksInPath().path
        let key = "\(path) \(placement) \(isQuantized)"
        if let base = known[key]?.base { return base }
        let base = try FrozenBase(directory, placement: placement, isQuantized: isQuantized)
        known[key] = Held(base: base)
        return base
    }
}
