import Torch

/// Merges an adapter on disk into its base's parameters, one at a time. Its file is opened once.
final class AdapterMerger {
    private let layout: AdapterLayout
    private let file: SafetensorsFile
    /// The matrices of all experts of a layer, which its parameters ask for one after another; the last ones that were.
    private var stacks: [(name: String, parts: Tensor)] = []

    init(_ layout: AdapterLayout, _ file: SafetensorsFile) { (self.layout, self.file) = (layout, file) }

    /// The base's parameter of that name as a model without the adapter has it that computes the same; of a layer with matrices in
    /// float32.
    func merged(_ name: String, _ weight: Tensor) throws -> Tensor {
        if layout.saved.contains(where: { $0.name == name }) { return try tensor(name) }
        return try layout.merged(weight, named: name) { name, index in
            guard let index else { return try tensor(name) }
            let parts = try stack(name)
            return parts.narrowed(0, index..<index + 1).reshaped(Array(parts.shape.dropFirst())).contiguous()
        } ?? weight
    }

    private func tensor(_ name: String) throws -> Tensor {
        try file.tensor(AdapterDirectory.name(of: name)).converted(to: .float32)
    }

    private func stack(_ name: String) throws -> Tensor {
        if let known = stacks.first(where: { $0.name == name }) { return known.parts }
        let tensor = try tensor(name)
        let parts = layout.stack(name)?.read(tensor) ?? tensor
        // Two matrices for each of the two parameters of a layer's experts.
        stacks = stacks.suffix(3) + [(name, parts)]
        return parts
    }
}
