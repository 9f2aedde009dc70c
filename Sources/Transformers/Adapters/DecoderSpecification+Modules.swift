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
    }

    /// The linear layers of all blocks that low-rank matrices may stand beside, in the order of the model: routers choose
    /// and are none.
    var linearModules: [LinearModule] {
        let routers = names.experts.map { experts in Set(layers.indices.map { names.layer($0, experts.router) }) } ?? []
        var layer = 0
        return declarations(head: .languageModel).compactMap { declaration in
            // They come layer by layer.
            while layer + 1 < layers.count, declaration.name.hasPrefix(names.layer(layer + 1, "")) { layer += 1 }
            guard declaration.name.hasPrefix(names.layer(layer, "")), declaration.shape.count == 2,
                let path = declaration.name.dropping(".weight"), !routers.contains(path)
            else { return nil }
            let (rows, columns) = (declaration.shape[0], declaration.shape[1])
            let isTransposed = layers[layer].attention.projection == .concatenated
            return LinearModule(
                path: path, layer: layer, inputs: isTransposed ? rows : columns, outputs: isTransposed ? columns : rows,
                isTransposed: isTransposed)
        }
    }

    /// The last parts of their names, each once.
    var linearNames: [String] {
        var names: [String] = []
        for module in linearModules {
            let name = String(module.path.split(separator: ".").last ?? "")
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    /// The parameters of modules that are trained whole.
    ///
    /// - Throws: ``AdapterMismatch`` for a module that there is not, or whose weight others share.
    func savedDeclarations(_ modules: [String]) throws(AdapterMismatch) -> [ParameterGroup.Declaration] {
        var saved: [ParameterGroup.Declaration] = []
        let all = declarations(head: .languageModel)
        for module in modules where module != ParameterNames.scoreModule {
            // As PEFT has it: norm means every module whose name ends so.
            let found = all.filter { declaration in
                let path = declaration.name.dropping(".weight") ?? declaration.name.dropping(".bias")
                return path?.hasSuffix(module) ?? false
            }
            guard !found.isEmpty else {
                throw AdapterMismatch.notSaved(module, reason: "the model has no module of that name")
            }
            if tiesEmbeddings, let shared = found.first(where: { $0.name == names.embedding || $0.name == names.head })
            {
                throw AdapterMismatch.notSaved(
                    module, reason: "\(shared.name) is both the embedding table and the head, which a copy would part")
            }
            if let matrix = found.first(where: { declaration in
                linearModules.contains { "\($0.path).weight" == declaration.name }
            }) {
                throw AdapterMismatch.notSaved(
                    module, reason: "\(matrix.name) is a weight that low-rank matrices stand for; name it as a target")
            }
            saved += found.filter { !saved.contains($0) }
        }
        return saved
    }
}

extension String {
    /// What stands before an ending; `nil` where it does not end so.
    fileprivate func dropping(_ ending: String) -> String? {
        hasSuffix(ending) ? String(dropLast(ending.count)) : nil
    }
}
