import CTorch

extension Tensor {
    /// `body(self)`, keeping `self` alone for the backward pass, which runs `body` once more (Chen et al. 2016).
    ///
    /// Parameters that `body` reads take their gradients as without. The bits are the same too, since both runs are.
    ///
    /// - Parameter body: must compute the same each time; other tensors that it reads get no gradient unless they are
    ///   parameters.
    public func recomputing(_ body: @escaping (Tensor) -> Tensor) -> Tensor {
        let context = Unmanaged.passRetained(Body(body)).toOpaque()
        return tensor("recomputed", self) { out in
            ct_recomputed(
                handle,
                { context, input in
                    guard let context, let input else { return nil }
                    let output = Unmanaged<Body>.fromOpaque(context).takeUnretainedValue().run(Tensor(owning: input))
                    return output.copiedHandle()
                },
                context, { context in context.map { Unmanaged<Body>.fromOpaque($0).release() } }, out)
        }
    }

    /// Another handle on the same tensor and its history.
    private func copiedHandle() -> OpaquePointer? {
        var copy: OpaquePointer?
        perform("share", self) { ct_tensor_share(handle, &copy) }
        return copy
    }
}

/// A function that C can hold on to.
private final class Body {
    let run: (Tensor) -> Tensor

    init(_ run: @escaping (Tensor) -> Tensor) { self.run = run }
}
