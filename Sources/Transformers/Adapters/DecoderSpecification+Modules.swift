import Torch

extension DecoderSpecification {
    /// A linear layer inside a decoder's blocks.
    struct LinearModule: Equatable {
        /// Its path, which the names of its parameters start with.
        let path: String
        /// The block that it is in.
        let layer: Int
        let inputs: Int
        let outputs: Int
        /// Whether its weight is `[inputs, outputs]`.
        let isTransposed: Bool
        let role: Role

        /// What it is beside others of its block.
        enum Role: Equatable {
            case projection
            /// It projects in one expert of some.
            case expert
            /// It chooses experts.
            case router
        }

        /// The last part of its path.
        var leaf: String { String(path.split(separator: ".").last ?? "") }
    }

    /// The linear layers of all blocks, in the order of the model.
    var linearModules: [LinearModule] {
        var layer = 0
        return declarations(head: .languageModel).compactMap { declaration in
            // They come layer by layer.
            while layer + 1 < layers.count, declaration.name.hasPrefix(names.layer(layer + 1, "")) { layer += 1 }
            guard declaration.name.hasPrefix(names.layer(layer, "")), declaration.shape.count == 2,
                let path = declaration.name.dropping(".weight")
            else { return nil }
            let role: LinearModule.Role =
                if let experts = names.experts, layers[layer].feedForward.experts != nil {
                    path == names.layer(layer, experts.router)
                        ? .router : path.hasPrefix(names.layer(layer, experts.prefix)) ? .expert : .projection
                } else {
                    .projection
                }
            let (rows, columns) = (declaration.shape[0], declaration.shape[1])
            let isTransposed = layers[layer].attention.projection == .concatenated
            return LinearModule(
                path: path, layer: layer, inputs: isTransposed ? rows : columns, outputs: isTransposed ? columns : rows,
                isTransposed: isTransposed, role: role)
        }
    }

    /// The parameters of modules that are trained whole.
    ///
    /// - Parameter isNew: Whether each has to be there.
    /// - Throws: ``AdapterMismatch`` for a module that there is not, or whose weight others share.
    func savedDeclarations(_ modules: [String], isNew: Bool) throws(AdapterMismatch) -> [ParameterGroup.Declaration] {
        var saved: [ParameterGroup.Declaration] = []
        let all = declarations(head: .languageModel)
        // A router's module may have another name in a file than its weight has here.
        let matrices = Set(linearModules.map { "\($0.path).weight" })
        for module in modules {
            // As PEFT has it: norm means every module whose name ends so.
            let found = all.filter { $0.isOf(module: module) }
            guard !found.isEmpty else {
                guard isNew else { continue }
                throw AdapterMismatch.notSaved(module, reason: "the model has no module of that name")
            }
            if tiesEmbeddings, let shared = found.first(where: { $0.name == names.embedding || $0.name == names.head })
            {
                throw AdapterMismatch.notSaved(
                    module, reason: "\(shared.name) is both the embedding table and the head, which a copy would part")
            }
            if let matrix = found.first(where: { matrices.contains($0.name) }) {
                throw AdapterMismatch.notSaved(
                    module, reason: "\(matrix.name) is a weight that low-rank matrices stand for; name it as a target")
            }
            saved += found.filter { !saved.contains($0) }
        }
        return saved
    }
}

extension ParameterGroup.Declaration {
    /// Whether it belongs to a module whose name ends so.
    func isOf(module: String) -> Bool {
        (name.dropping(".weight") ?? name.dropping(".bias"))?.hasSuffix(module) ?? false
    }
}

extension [String] {
    /// Each once, in order.
    var distinct: [String] {
        var known: Set<String> = []
        return filter { known.insert($0).inserted }
    }
}

extension String {
    /// What stands before an ending; `nil` where it does not end so.
    fileprivate func dropping(_ ending: String) -> String? {
        hasSuffix(ending) ? String(dropLast(ending.count)) : nil
    }
}
