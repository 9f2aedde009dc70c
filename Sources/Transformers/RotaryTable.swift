import Foundation
import Torch

/// Cosines and sines of rotary angles by position, kept from batch to batch and grown as positions come up.
final class RotaryTable {
    private let frequencies: [Float]
    private let factor: Float
    private let device: Device
    private var cosines = Tensor.zeros([0, 0])
    private var sines = Tensor.zeros([0, 0])
    private var length = 0

    init(_ embedding: RotaryEmbedding, on device: Device) {
        frequencies = embedding.frequencies
        factor = embedding.factor
        self.device = device
    }

    /// Cosine and sine, `[positions, half]` each.
    func callAsFunction(_ positions: [Int32]) -> (cosine: Tensor, sine: Tensor) {
        let needed = Int(positions.max() ?? 0) + 1
        if needed > length { grow(to: max(needed, 2 * length, 512)) }
        let indices = Tensor(indices: positions, on: device)
        return (cosines.selecting(indices), sines.selecting(indices))
    }

    private func grow(to count: Int) {
        let angles = (0..<count).flatMap { position in frequencies.map { Float(position) * $0 } }
        let shape = [count, frequencies.count]
        cosines = Tensor(angles.map { cos($0) * factor }, shape: shape, on: device)
        sines = Tensor(angles.map { sin($0) * factor }, shape: shape, on: device)
        length = count
    }
}
