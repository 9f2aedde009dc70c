import Foundation
import Torch

/// Cosines and sines of rotary angles by position, kept from batch to batch and grown as positions come up.
final class RotaryTable {
    private let embedding: RotaryEmbedding
    private let device: Device
    private var cosines = Tensor.zeros([0, 0])
    private var sines = Tensor.zeros([0, 0])
    private var length = 0

    init(_ embedding: RotaryEmbedding, on device: Device) {
        self.embedding = embedding
        self.device = device
    }

    /// Cosine and sine, `[positions, half]` each, of tokens in sequences of these lengths, which count where the embedding changes
    /// with them.
    func callAsFunction(_ positions: [Int32], lengths: [Int32]) -> (cosine: Tensor, sine: Tensor) {
        if let context = embedding.stretch?.context, lengths.contains(where: { $0 > context }) {
            return computed(positions, lengths)
        }
        let needed = Int(positions.max() ?? 0) + 1
        if needed > length { grow(to: max(needed, 2 * length, 512)) }
        let indices = Tensor(indices: positions, on: device)
        return (cosines.selecting(indices), sines.selecting(indices))
    }

    private func grow(to count: Int) {
        (cosines, sines) = table(of: (0..<count).flatMap { angles($0, embedding.frequencies) }, rows: count)
        length = count
    }

    /// The same without a table: few passes have such sequences.
    private func computed(_ positions: [Int32], _ lengths: [Int32]) -> (cosine: Tensor, sine: Tensor) {
        precondition(positions.count == lengths.count, "\(lengths.count) lengths for \(positions.count) positions")
        var known: [Int32: [Float]] = [:]
        let all = zip(positions, lengths).flatMap { position, length in
            let frequencies = known[length] ?? embedding.frequencies(ofLength: Int(length))
            known[length] = frequencies
            return angles(Int(position), frequencies)
        }
        return table(of: all, rows: positions.count)
    }

    private func angles(_ position: Int, _ frequencies: [Float]) -> [Float] { frequencies.map { Float(position) * $0 } }

    private func table(of angles: [Float], rows: Int) -> (cosine: Tensor, sine: Tensor) {
        let (shape, factor) = ([rows, embedding.frequencies.count], embedding.factor)
        return (
            Tensor(angles.map { cos($0) * factor }, shape: shape, on: device),
            Tensor(angles.map { sin($0) * factor }, shape: shape, on: device)
        )
    }
}
