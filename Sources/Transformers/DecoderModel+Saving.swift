import Foundation
import JSON
import Torch

extension DecoderModel {
    /// Writes the decoder as a Hugging Face directory that transformers loads: `AutoModelForCausalLM`, or
    /// `AutoModelForSequenceClassification` with one label for a score head.
    ///
    /// Tensors go to the files straight from the parameter store. Nothing here is atomic: the caller writes into a
    /// directory of its own and moves it in place. Tokenizer files are the caller's to add.
    ///
    /// - Parameters:
    ///   - directory: an existing directory.
    ///   - padTokenID: written as `pad_token_id` where not `nil`. A score model needs one that no input uses, since
    ///     transformers scores the last token that is not padding: see ``ModelConfiguration/unusedTokenID(besides:)``.
    ///   - endTokenID: written as `eos_token_id` where not `nil`: generation ends there.
    ///   - type: what weights are written as.
    ///   - shardBytes: weights larger than this are split over several files.
    public func save(
        to directory: URL, padTokenID: Int32? = nil, endTokenID: Int32? = nil, as type: ScalarType = .float32,
        shardBytes: Int = 5_000_000_000
    ) throws {
        try save(
            to: directory, SavedWeights(as: type), padTokenID: padTokenID, endTokenID: endTokenID,
            shardBytes: shardBytes)
    }

    /// The same with weights that may lie elsewhere.
    package func save(
        to directory: URL, _ weights: SavedWeights, padTokenID: Int32? = nil, endTokenID: Int32? = nil,
        shardBytes: Int = 5_000_000_000
    ) throws {
        try configuration.save(
            head: head, to: directory, padTokenID: padTokenID, endTokenID: endTokenID, as: weights.type,
            shardBytes: shardBytes
        ) { name, take in
            guard let source = weights.source else { return try take(parameters[name]) }
            try source(name, take)
        }
    }
}

/// What is written of a model's weights.
package struct SavedWeights {
    /// Hands over a parameter of a name, whole or in parts that follow on each other, flat and contiguous.
    package typealias Source = (_ name: String, _ take: (_ part: Tensor) throws -> Void) throws -> Void

    /// Their type in the files.
    package let type: ScalarType
    /// Where they come from; `nil` for the model itself.
    package let source: Source?

    /// Weights of a type.
    package init(as type: ScalarType, from source: Source? = nil) { (self.type, self.source) = (type, source) }
}

extension ModelConfiguration {
    /// Writes a model of this configuration as ``DecoderModel/save(to:padTokenID:endTokenID:as:shardBytes:)`` does.
    ///
    /// - Parameter parameter: gives the parameter of a name, contiguous float32; asked for each once, in the order of the model.
    package func save(
        head: DecoderHead, to directory: URL, padTokenID: Int32? = nil, endTokenID: Int32? = nil,
        as type: ScalarType = .float32, shardBytes: Int = 5_000_000_000, parameter: (String) throws -> Tensor
    ) throws {
        try save(
            head: head, to: directory, padTokenID: padTokenID, endTokenID: endTokenID, as: type, shardBytes: shardBytes
        ) { name, take in try take(parameter(name)) }
    }

    /// The same with parameters that come in parts.
    fileprivate func save(
        head: DecoderHead, to directory: URL, padTokenID: Int32?, endTokenID: Int32?, as type: ScalarType,
        shardBytes: Int, source: SavedWeights.Source
    ) throws {
        try exported(head: head, padTokenID: padTokenID, endTokenID: endTokenID, as: type)
            .write(toModelFile: directory.appending(path: "config.json"))
        if head == .languageModel {
            try exportedGeneration(endTokenID: endTokenID)
                .write(toModelFile: directory.appending(path: "generation_config.json"))
        }
        let shards = shards(head: head, as: type, limit: shardBytes)
        guard shards.count > 1 else {
            try Self.write(shards.first ?? [], as: type, to: directory.appending(path: "model.safetensors"), source)
            return
        }
        var map: [(String, JSON)] = []
        for (index, declarations) in shards.enumerated() {
            let name = String(format: "model-%05d-of-%05d.safetensors", index + 1, shards.count)
            try Self.write(declarations, as: type, to: directory.appending(path: name), source)
            map += declarations.map { ($0.name, .string(name)) }
        }
        let size = shards.joined().reduce(0) { $0 + $1.byteCount(as: type) }
        let index = JSONObject(uniqueKeysWithValues: [
            ("metadata", .object(JSONObject(uniqueKeysWithValues: [("total_size", .number(size))]))),
            ("weight_map", .object(JSONObject(uniqueKeysWithValues: map))),
        ])
        try index.write(toModelFile: directory.appending(path: "model.safetensors.index.json"))
    }

    /// Parameters in the order of the model, cut where a file would grow past the limit.
    private func shards(head: DecoderHead, as type: ScalarType, limit: Int) -> [[ParameterGroup.Declaration]] {
        var shards: [[ParameterGroup.Declaration]] = []
        var room = 0
        for declaration in specification.declarations(head: head) {
            if shards.isEmpty || declaration.byteCount(as: type) > room {
                shards.append([])
                room = limit
            }
            shards[shards.count - 1].append(declaration)
            room -= declaration.byteCount(as: type)
        }
        return shards
    }

    private static func write(
        _ declarations: [ParameterGroup.Declaration], as type: ScalarType, to url: URL,
        _ source: SavedWeights.Source
    ) throws {
        let writer = try SafetensorsWriter(
            declarations.map { SafetensorsWriter.Entry(name: $0.name, shape: $0.shape, type: type) }, to: url)
        for declaration in declarations {
            try source(declaration.name) { try writer.append(part: $0.converted(to: type)) }
        }
        try writer.finish()
    }
}

extension ParameterGroup.Declaration {
    fileprivate func byteCount(as type: ScalarType) -> Int { type.size * shape.reduce(1, *) }
}

extension ModelConfiguration {
    /// `config.json` of a saved model: the file it came from, with what the head and the type change.
    func exported(
        head: DecoderHead, padTokenID: Int32?, endTokenID: Int32? = nil, as type: ScalarType = .float32
    ) -> JSONObject {
        var values = original
        values["architectures"] = .array([.string(architectures[head])])
        // transformers 5 renamed the key.
        values[values["dtype"] == nil ? "torch_dtype" : "dtype"] = .string("\(type)")
        if let padTokenID { values["pad_token_id"] = .number(Int(padTokenID)) }
        if let endTokenID { values["eos_token_id"] = .number(Int(endTokenID)) }
        switch head {
        case .languageModel:
            for key in ["num_labels", "id2label", "label2id"] { values[key] = nil }
        case .score:
            values["num_labels"] = .number(1)
            values["id2label"] = .object(JSONObject(uniqueKeysWithValues: [("0", .string("LABEL_0"))]))
            values["label2id"] = .object(JSONObject(uniqueKeysWithValues: [("LABEL_0", .number(0))]))
        }
        return values
    }

    /// `generation_config.json` of a saved model: the file that was there, or the special tokens alone.
    func exportedGeneration(endTokenID: Int32? = nil) -> JSONObject {
        var values = generation
        if values.isEmpty {
            values["_from_model_config"] = .bool(true)
            for key in ["bos_token_id", "eos_token_id", "pad_token_id"] {
                if let token = original[key], token != .null { values[key] = token }
            }
        }
        if let endTokenID { values["eos_token_id"] = .number(Int(endTokenID)) }
        return values
    }
}
