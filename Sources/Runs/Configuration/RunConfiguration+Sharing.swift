import MPI

extension RunConfiguration {
    /// Reads a YAML file on rank zero of `world` and gives all ranks the same run.
    ///
    /// Other ranks need not see the file: they read what rank zero resolved. All ranks call this together.
    ///
    /// - Throws: ``ConfigurationError``, on rank zero alone; the job ends before the others have an answer.
    package init(
        contentsOf path: String, overrides: [String] = [], registry: Registry, on world: Communicator
    ) throws {
        guard world.size > 1 else {
            try self.init(contentsOf: path, overrides: overrides, registry: registry)
            return
        }
        if world.rank == 0 {
            try self.init(contentsOf: path, overrides: overrides, registry: registry)
            _ = try world.broadcast(Array(yaml.utf8), root: 0)
        } else {
            let yaml = String(decoding: try world.broadcast([], root: 0), as: UTF8.self)
            try self.init(yaml: yaml, name: path, registry: registry)
        }
    }
}
