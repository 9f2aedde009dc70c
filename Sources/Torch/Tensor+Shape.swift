import CTorch

extension Tensor {
    /// The same elements under another shape; -1 stands for what is left.
    public func reshaped(_ shape: [Int]) -> Tensor {
        tensor("reshape", self) { out in shape.withInt64 { ct_reshape(handle, $0.baseAddress, $0.count, out) } }
    }

    /// A view of `range` along a dimension.
    public func narrowed(_ dimension: Int, _ range: Range<Int>) -> Tensor {
        tensor("narrow", self) { ct_narrow(handle, Int64(dimension), Int64(range.lowerBound), Int64(range.count), $0) }
    }

    /// A view with two dimensions exchanged.
    public func transposed(_ first: Int, _ second: Int) -> Tensor {
        tensor("transpose", self) { ct_transpose(handle, Int64(first), Int64(second), $0) }
    }

    /// A view with a dimension of extent 1 inserted.
    public func unsqueezed(_ dimension: Int) -> Tensor {
        tensor("unsqueeze", self) { ct_unsqueeze(handle, Int64(dimension), $0) }
    }

    /// This tensor if its elements lie in order, else a copy where they do.
    public func contiguous() -> Tensor { tensor("contiguous", self) { ct_contiguous(handle, $0) } }

    /// The same storage, unknown to any backward pass.
    public func detached() -> Tensor { tensor("detach", self) { ct_detach(handle, $0) } }

    /// A copy with storage of its own.
    public func copy() -> Tensor { tensor("clone", self) { ct_clone(handle, $0) } }

    /// The rows (or slices along `dimension`) that `indices` (int64) name, in that order.
    public func selecting(_ indices: Tensor, along dimension: Int = 0) -> Tensor {
        tensor("index select", self, indices) { ct_index_select(handle, Int64(dimension), indices.handle, $0) }
    }

    /// Elements picked along a dimension by an index tensor of equal rank.
    public func gathered(_ dimension: Int, _ indices: Tensor) -> Tensor {
        tensor("gather", self, indices) { ct_gather(handle, Int64(dimension), indices.handle, $0) }
    }

    /// Tensors joined along a dimension.
    public static func concatenated(_ tensors: [Tensor], along dimension: Int = 0) -> Tensor {
        precondition(!tensors.isEmpty, "nothing to concatenate")
        var handle: OpaquePointer?
        let status = tensors.map { Optional($0.handle) }.withUnsafeBufferPointer {
            ct_concatenate($0.baseAddress, $0.count, Int64(dimension), &handle)
        }
        guard status == 0, let handle else { fail("concatenate", tensors) }
        return Tensor(owning: handle)
    }
}
