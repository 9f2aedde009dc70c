import Torch

/// The parameters of a language model, one at a time: of a model on disk none is kept that was read before.
package struct ModelParameters {
    /// What the model is.
    package let configuration: ModelConfiguration
    private let read: (String) throws -> Tensor

    /// Those of a model that is in memory.
    package init(_ model: DecoderModel) {
        precondition(model.head == .languageModel, "a score model is no policy")
        configuration = model.configuration
        read = { model.parameters[$0] }
    }

    /// Those in a directory's files, of whichever type and in however many of them.
    ///
    /// - Throws: as ``ModelDirectory/load(into:scoreSeed:)``, before anything but the files' headers is read, and for a type of
    ///   elements that cannot be read.
    package init(_ directory: ModelDirectory) throws {
        try directory.check()
        let base = directory.base
        let weights = try WeightFiles(base.url)
        let specification = directory.configuration.specification
        var places: [String: String] = [:]
        for declaration in specification.declarations(head: .languageModel) {
            guard let name = weights.name(of: declaration.name, specification.names) else {
                throw ModelDirectory.missing(declaration.name, in: weights, specification.names)
            }
            try ModelDirectory.checkShape(of: name, in: weights, declaration, specification.names)
            try weights.checkType(name)
            places[declaration.name] = name
        }
        try base.checkNothingElse(in: weights, than: Set(places.values))
        configuration = directory.configuration
        let merger = try directory.adapter?.merger()
        read = { [places] name in
            guard let place = places[name] else { preconditionFailure("no parameter is named \(name)") }
            let weight = try weights.tensor(place)
            return try merger?.merged(name, weight) ?? weight
        }
    }

    /// Every parameter's name and shape, in the order in which a model is saved.
    package var declarations: [ParameterGroup.Declaration] {
        configuration.specification.declarations(head: .languageModel)
    }

    /// The parameter of that name, in the type in which it is kept.
    package func callAsFunction(_ name: String) throws -> Tensor { try read(name) }
}
