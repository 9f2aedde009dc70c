import Foundation
import JSON

extension ModelConfiguration {
    /// What keeps the weights of two models from being added, element by element: another family, other tensors, or other
    /// arithmetic over the same ones; `nil` for nothing.
    ///
    /// How long a context they were made for is no difference: it changes no number.
    ///
    /// - Parameters:
    ///   - names: what the message calls this model and the other one.
    ///   - families: the families that are known.
    package func difference(
        from other: ModelConfiguration, named names: (own: String, other: String), families: ModelFamilies
    ) -> String? {
        guard !computes(asIn: other.specification) else { return nil }
        guard modelType == other.modelType else {
            return "\(names.own) is a \(modelType) model, \(names.other) a \(other.modelType) model"
        }
        let (own, others) = (
            specification.declarations(head: .languageModel), other.specification.declarations(head: .languageModel)
        )
        let (shapes, otherShapes) = (
            Dictionary(uniqueKeysWithValues: own.map { ($0.name, $0.shape) }),
            Dictionary(uniqueKeysWithValues: others.map { ($0.name, $0.shape) })
        )
        for (name, shape) in own.map({ ($0.name, $0.shape) }) {
            guard let otherShape = otherShapes[name] else { return "\(names.other) has no tensor \(name)" }
            if shape != otherShape {
                return "tensor \(name) has shape \(shape) in \(names.own), \(otherShape) in \(names.other)"
            }
        }
        if let extra = others.first(where: { shapes[$0.name] == nil }) {
            return "\(names.own) has no tensor \(extra.name)"
        }
        let keys = decidingKeys(against: other, families).map { key in
            let (value, otherValue) = (original[key]?.compact ?? "missing", other.original[key]?.compact ?? "missing")
            return "\(key) is \(value) in \(names.own), \(otherValue) in \(names.other)"
        }
        return keys.first ?? "their config.json make them compute differently"
    }

    /// Whether a model of that specification computes the same from the same parameters.
    private func computes(asIn other: DecoderSpecification) -> Bool {
        var other = other
        other.maximumPositions = specification.maximumPositions
        return specification == other
    }

    /// The keys of `config.json` that differ, and with whose other value alone this model would compute otherwise.
    private func decidingKeys(against other: ModelConfiguration, _ families: ModelFamilies) -> [String] {
        let keys = Set(original.entries.map(\.key)).union(other.original.entries.map(\.key))
        return keys.sorted().filter { key in
            guard original[key] != other.original[key] else { return false }
            var values = original
            values[key] = other.original[key]
            let reader = ModelFileReader(url: URL(filePath: "config.json"), values: values)
            guard let changed = try? families[modelType]?.specification(reader) else { return true }
            return !computes(asIn: changed)
        }
    }
}
