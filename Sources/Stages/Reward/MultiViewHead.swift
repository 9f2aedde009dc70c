import Foundation
import Objectives
import PreferenceData
import Torch
import Transformers

/// The networks of the multi-view term (RLP-UML, arXiv 2403.19279): two of three layers make of a response's last hidden state the
/// mean and the deviation of its encoding, and a critic of three reads two encodings.
///
/// All their matrices, without biases, lie one under the other in one auxiliary head of the decoder's width.
package struct MultiViewHead {
    /// λ.
    let weight: Double
    let width: Int
    /// Names the draws of encodings.
    let seed: UInt64
    /// Which prompt a pair is of, by the pair's index.
    let prompts: [Int: Int]

    package init(weight: Double, width: Int, seed: UInt64, prompts: [Int: Int]) {
        (self.weight, self.width, self.seed, self.prompts) = (weight, width, seed, prompts)
    }

    /// How many numbers an encoding has: half the decoder's width, that a critic's input has the width of both.
    var dimension: Int { width / 2 }

    package static func auxiliaryHead(width: Int) -> AuxiliaryHead {
        AuxiliaryHead(name: "multi_view", outputs: 6 * width + 2 * (width / 2) + 1)
    }

    /// Encodings of the two responses of pairs.
    struct Encodings {
        let gaussians: [MultiViewLoss.Gaussians]
        /// `[pairs, dimension]` each.
        let drawn: [Tensor]
    }

    /// - Parameters:
    ///   - hidden: Of the responses' scored tokens, `[2 pairs, width]`.
    ///   - indices: The pairs'.
    ///   - epoch: An encoding is drawn anew in each.
    func encodings(_ hidden: Tensor, by weight: Tensor, of indices: [Int], epoch: Int) -> Encodings {
        let pairs = indices.count
        let mean = network(hidden, weight, at: 0, outputs: dimension)
        // log(1 + e^x), and a little, which keeps the divergence finite.
        let raw = network(hidden, weight, at: 2 * width + dimension, outputs: dimension)
        let deviation = -(-raw).logSigmoid() + 0.01
        let sides = { (tensor: Tensor) in
            let split = tensor.reshaped([pairs, 2, dimension])
            return (0..<2).map { split.narrowed(1, $0..<$0 + 1).reshaped([pairs, dimension]) }
        }
        let gaussians = zip(sides(mean), sides(deviation)).map {
            MultiViewLoss.Gaussians(means: $0, deviations: $1)
        }
        let drawn = gaussians.enumerated().map { side, gaussian in
            let numbers = indices.flatMap { self.normals(of: $0, side: side, epoch: epoch) }
            let noise = Tensor(numbers, shape: [pairs, dimension])
            return gaussian.means + gaussian.deviations * noise
        }
        return Encodings(gaussians: gaussians, drawn: drawn)
    }

    /// What the critic says of pairs of encodings, `[n]`.
    func critic(_ first: Tensor, _ second: Tensor, by weight: Tensor) -> Tensor {
        let start = 4 * width + 2 * dimension
        return network(Tensor.concatenated([first, second], along: 1), weight, at: start, outputs: 1).reshaped([-1])
    }

    /// Three layers, whose matrices begin at a row of the head. They compute where the head lies, and tell it on the host, as a
    /// decoder does.
    private func network(_ input: Tensor, _ weight: Tensor, at start: Int, outputs: Int) -> Tensor {
        let columns = input.shape[1]
        let first = weight.narrowed(0, start..<start + width).narrowed(1, 0..<columns).contiguous()
        let second = weight.narrowed(0, start + width..<start + 2 * width)
        let third = weight.narrowed(0, start + 2 * width..<start + 2 * width + outputs)
        return input.placed(weight.placement).linear(first).relu().linear(second).relu().linear(third).placed(.float32)
    }

    /// Standard normal numbers (Box & Muller 1958), a function of seed, pair, side and epoch alone.
    private func normals(of index: Int, side: Int, epoch: Int) -> [Float] {
        var random = SplitMix64(seed, UInt64(bitPattern: Int64(index)), UInt64(side), UInt64(epoch))
        return (0..<dimension).map { _ in
            let (radius, turn) = (1 - random.nextUniform(), random.nextUniform())
            return Float((-2 * log(radius)).squareRoot() * cos(2 * Double.pi * turn))
        }
    }
}

// MARK: The loss

extension MultiViewHead {
    /// The term's share in a step's loss, and the term summed over the micro-batch's pairs; `nil` in a step whose pairs are all of
    /// one prompt, of which a critic has nothing to tell apart.
    ///
    /// The critic sees each pair's first encoding with the second one of the next pair of another prompt, which another micro-batch
    /// or rank may have: encodings of the whole step are known from a pass without gradient, and each pair adds the gradient of the
    /// encoding that others were given.
    ///
    /// - Parameter own: Encodings of the micro-batch's pairs.
    func term(
        _ own: Encodings, of indices: [Int], in step: StepPairs, by weight: Tensor
    ) -> (value: Tensor, sum: Tensor)? {
        let order = step.order
        guard let partners = partners(order) else { return nil }
        let count = Double(indices.count)
        let places = indices.map(step.row)
        let given = encodings(places.map { partners[$0] }, side: 1, step)
        let joint = critic(own.drawn[0], own.drawn[1], by: weight)
        let marginal = critic(own.drawn[0], given, by: weight)
        let loss = MultiViewLoss.loss(own.gaussians[0], own.gaussians[1], joint: joint, marginal: marginal)
        var value = loss * count

        let inverse = Dictionary(grouping: partners.indices) { partners[$0] }
        let asked = places.enumerated().flatMap { row, place in (inverse[place] ?? []).map { (row, $0) } }
        if !asked.isEmpty {
            let first = encodings(asked.map(\.1), side: 0, step)
            let second = own.drawn[1].selecting(Tensor(indices: asked.map { Int32($0.0) }))
            let others = -(-critic(first, second, by: weight.detached())).logSigmoid().sum()
            value = value + (others - others.detached())
        }
        return (value * (self.weight / Double(order.count)), loss * count)
    }

    /// For each place of a step that of the next pair of another prompt.
    private func partners(_ order: [Int]) -> [Int]? {
        let prompts = order.map { self.prompts[$0] ?? 0 }
        guard Set(prompts).count > 1 else { return nil }
        return order.indices.map { place in
            var other = (place + 1) % order.count
            while prompts[other] == prompts[place] { other = (other + 1) % order.count }
            return other
        }
    }

    /// Known encodings of these places of a step, without gradient.
    private func encodings(_ places: [Int], side: Int, _ step: StepPairs) -> Tensor {
        let known = step.encodings
        let numbers = places.flatMap { place in
            known.map { Float(side == 0 ? $0[place].chosen : $0[place].rejected) }
        }
        return Tensor(numbers, shape: [places.count, dimension])
    }
}
