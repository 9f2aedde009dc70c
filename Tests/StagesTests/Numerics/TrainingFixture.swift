import Foundation
import TestSupport
import Torch
import Transformers

/// Reads a fixture whose keys are in snake case.
func decodeFixture<Value: Decodable>(_: Value.Type, _ name: String) throws -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Value.self, from: Data(contentsOf: TestSupport.fixture(name)))
}

/// A model fixture to be trained.
func trainable(_ name: String, head: DecoderHead = .languageModel) throws -> DecoderModel {
    try ModelDirectory(TestSupport.fixture(name)).decoder(head: head, trainable: true)
}

extension ParameterStore {
    /// The gradient of each parameter by its name.
    func gradientsByName() -> [String: [Float]] { byName(trained.flatMap { $0.gradients?.floats() ?? [] }) }

    /// Each parameter by its name.
    func valuesByName() -> [String: [Float]] { byName(trained.flatMap { $0.values.floats() }) }

    /// Parts of a vector laid out as the trained groups, one after another.
    func byName(_ flat: [Float]) -> [String: [Float]] {
        var (parts, start) = ([String: [Float]](), 0)
        for group in trained {
            for entry in group.entries {
                let first = start + entry.offset
                parts[entry.declaration.name] = Array(flat[first..<first + entry.count])
            }
            start += group.count
        }
        return parts
    }
}

/// `norm(a - b) / norm(b)`.
func relativeError(_ actual: [Float], _ expected: [Float]) -> Double {
    precondition(actual.count == expected.count, "\(actual.count) numbers against \(expected.count)")
    var (difference, norm) = (0.0, 0.0)
    for (a, b) in zip(actual, expected) {
        difference += (Double(a) - Double(b)) * (Double(a) - Double(b))
        norm += Double(b) * Double(b)
    }
    return (difference / norm).squareRoot()
}

/// The largest relative error of any parameter, and whose it is.
func largestError(
    _ actual: [String: [Float]], _ expected: (String) throws -> [Float]
) rethrows -> (name: String, error: Double) {
    var largest = (name: "", error: 0.0)
    for (name, values) in actual {
        let error = relativeError(values, try expected(name))
        if !(error <= largest.error) { largest = (name, error) }
    }
    return largest
}

/// `norm(a - b) / norm(b)` of two numbers.
func relativeError(_ actual: Double, _ expected: Double) -> Double { abs(actual - expected) / abs(expected) }
