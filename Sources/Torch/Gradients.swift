import CTorch

/// Runs `body` without recording operations for a backward pass.
public func withoutGradients<Result, Failure>(
    _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    let before = ct_set_gradient_enabled(false)
    defer { _ = ct_set_gradient_enabled(before) }
    return try body()
}

extension Tensor {
    /// Adds the gradient of this scalar to every parameter it was computed from.
    public func backward() {
        perform("backward", self) { ct_backward(handle) }
    }

    /// The same numbers, to whose gradient a backward pass adds `gradient`: that of a loss whose graph need not be kept.
    public func addingGradient(_ gradient: Tensor) -> Tensor {
        tensor("adding gradient", self, gradient) { ct_adding_gradient(handle, gradient.handle, $0) }
    }

    /// Hands each gradient of this leaf on as soon as a backward pass has it, and keeps none.
    func handOnGradient(to receiver: @escaping (Tensor) -> Void) {
        let context = Unmanaged.passRetained(Receiver(receiver)).toOpaque()
        perform("hand on gradient", self) {
            ct_hand_on_gradient(
                handle,
                { context, gradient in
                    guard let context, let gradient else { return }
                    Unmanaged<Receiver>.fromOpaque(context).takeUnretainedValue().receive(Tensor(owning: gradient))
                },
                context, { context in context.map { Unmanaged<Receiver>.fromOpaque($0).release() } })
        }
    }

    // MARK: In place, without gradients

    /// Takes over the elements of `source`, converted and broadcast.
    public func copy(from source: Tensor) { perform("copy", self, source) { ct_copy_(handle, source.handle) } }

    /// Sets every element.
    public func fill(_ value: Double) { perform("fill", self) { ct_fill_(handle, value) } }

    /// Adds `factor * other`.
    public func add(_ other: Tensor, times factor: Double = 1) {
        perform("add in place", self, other) { ct_add_(handle, other.handle, factor) }
    }

    /// Multiplies every element.
    public func scale(by factor: Double) { perform("scale in place", self) { ct_multiply_(handle, factor) } }

    /// Fills with numbers of a range, all as likely, that are a function of `seed` alone.
    public func fillUniform(_ range: ClosedRange<Double>, seed: UInt64) {
        perform("uniform", self) { ct_uniform_(handle, range.lowerBound, range.upperBound, seed) }
    }

    /// Fills with normal variates that are a function of `seed` alone.
    public func fillNormal(mean: Double = 0, deviation: Double, seed: UInt64) {
        perform("normal", self) { ct_normal_(handle, mean, deviation, seed) }
    }
}

/// A function that C can hold on to.
private final class Receiver {
    let receive: (Tensor) -> Void

    init(_ receive: @escaping (Tensor) -> Void) { self.receive = receive }
}
