import CTorch

extension Tensor {
    // MARK: Two operands, broadcast against each other

    /// The sum.
    public static func + (left: Tensor, right: Tensor) -> Tensor { left.apply(CT_ADD, right) }
    /// The difference.
    public static func - (left: Tensor, right: Tensor) -> Tensor { left.apply(CT_SUBTRACT, right) }
    /// The product, element by element.
    public static func * (left: Tensor, right: Tensor) -> Tensor { left.apply(CT_MULTIPLY, right) }
    /// The quotient.
    public static func / (left: Tensor, right: Tensor) -> Tensor { left.apply(CT_DIVIDE, right) }
    /// The sum with a number.
    public static func + (left: Tensor, right: Double) -> Tensor { left.apply(CT_ADD, right) }
    /// The difference from a number.
    public static func - (left: Tensor, right: Double) -> Tensor { left.apply(CT_SUBTRACT, right) }
    /// The product with a number.
    public static func * (left: Tensor, right: Double) -> Tensor { left.apply(CT_MULTIPLY, right) }
    /// The quotient by a number.
    public static func / (left: Tensor, right: Double) -> Tensor { left.apply(CT_DIVIDE, right) }
    /// The product with a number.
    public static func * (left: Double, right: Tensor) -> Tensor { right.apply(CT_MULTIPLY, left) }
    /// A number minus each element.
    public static func - (left: Double, right: Tensor) -> Tensor { (-right).apply(CT_ADD, left) }
    /// The negative.
    public static prefix func - (operand: Tensor) -> Tensor { operand.apply(CT_NEGATE, "negate") }

    /// The smaller of each two elements.
    public func minimum(_ other: Tensor) -> Tensor { apply(CT_MINIMUM, other) }
    /// The larger of each two elements.
    public func maximum(_ other: Tensor) -> Tensor { apply(CT_MAXIMUM, other) }
    /// Whether each element is greater than a number, as bool.
    public func isGreater(than other: Double) -> Tensor { apply(CT_GREATER, other) }
    /// Whether each element is greater than its counterpart, as bool.
    public func isGreater(than other: Tensor) -> Tensor { apply(CT_GREATER, other) }
    /// Whether each element is less than a number, as bool.
    public func isLess(than other: Double) -> Tensor { apply(CT_LESS, other) }

    // MARK: One operand

    /// eˣ.
    public func exp() -> Tensor { apply(CT_EXP, "exp") }
    /// The natural logarithm.
    public func log() -> Tensor { apply(CT_LOG, "log") }
    /// 1 / (1 + e⁻ˣ).
    public func sigmoid() -> Tensor { apply(CT_SIGMOID, "sigmoid") }
    /// log σ(x), exact for large |x|.
    public func logSigmoid() -> Tensor { apply(CT_LOG_SIGMOID, "logSigmoid") }
    /// max(x, 0).
    public func relu() -> Tensor { apply(CT_RELU, "relu") }
    /// x².
    public func square() -> Tensor { apply(CT_SQUARE, "square") }
    /// |x|.
    public func abs() -> Tensor { apply(CT_ABS, "abs") }
    /// √x.
    public func squareRoot() -> Tensor { apply(CT_SQRT, "sqrt") }
    /// The hyperbolic tangent.
    public func tanh() -> Tensor { apply(CT_TANH, "tanh") }
    /// x σ(x).
    public func silu() -> Tensor { apply(CT_SILU, "silu") }
    /// x Φ(x), exact.
    public func gelu() -> Tensor { apply(CT_GELU, "gelu") }
    /// x Φ(x) by its approximation with tanh.
    public func geluTanh() -> Tensor { apply(CT_GELU_TANH, "geluTanh") }
    /// Bounds each element; an infinite bound leaves that side open.
    public func clamped(_ low: Double, _ high: Double) -> Tensor {
        tensor("clamp", self) { ct_clamp(handle, low, high, $0) }
    }
    /// Elements of `left` where this is true, else of `right`.
    public func select(_ left: Tensor, _ right: Tensor) -> Tensor {
        tensor("where", self, left, right) { ct_where(handle, left.handle, right.handle, $0) }
    }

    // MARK: Reductions

    /// The sum of all elements, a scalar.
    public func sum() -> Tensor { tensor("sum", self) { ct_reduce(CT_SUM, handle, $0) } }
    /// The mean of all elements, a scalar.
    public func mean() -> Tensor { tensor("mean", self) { ct_reduce(CT_MEAN, handle, $0) } }
    /// The largest element, a scalar.
    public func max() -> Tensor { tensor("max", self) { ct_reduce(CT_MAX, handle, $0) } }
    /// The smallest element, a scalar.
    public func min() -> Tensor { tensor("min", self) { ct_reduce(CT_MIN, handle, $0) } }
    /// Sums along a dimension.
    public func sum(_ dimension: Int, keepingDimension keep: Bool = false) -> Tensor {
        tensor("sum", self) { ct_reduce_dimension(CT_SUM, handle, Int64(dimension), keep, $0) }
    }
    /// Means along a dimension.
    public func mean(_ dimension: Int, keepingDimension keep: Bool = false) -> Tensor {
        tensor("mean", self) { ct_reduce_dimension(CT_MEAN, handle, Int64(dimension), keep, $0) }
    }
    /// The Euclidean norm of all elements; not finite if any element is not.
    public func norm() -> Double {
        var result = 0.0
        perform("norm", self) { ct_norm(handle, &result) }
        return result
    }
    /// Sums rows [n, ...] into `count` groups: row `i` goes to group `groups[i]`.
    public func summed(intoGroups groups: Tensor, count: Int) -> Tensor {
        tensor("sum groups", self, groups) { ct_sum_groups(handle, groups.handle, Int64(count), $0) }
    }
    /// The softmax along a dimension.
    public func softmax(_ dimension: Int) -> Tensor {
        tensor("softmax", self) { ct_softmax(handle, Int64(dimension), $0) }
    }
    /// The logarithm of the softmax along a dimension.
    public func logSoftmax(_ dimension: Int) -> Tensor {
        tensor("logSoftmax", self) { ct_log_softmax(handle, Int64(dimension), $0) }
    }

    private func apply(_ operation: ct_unary, _ name: StaticString) -> Tensor {
        tensor(name, self) { ct_apply_unary(operation, handle, $0) }
    }

    private func apply(_ operation: ct_binary, _ other: Tensor) -> Tensor {
        tensor("arithmetic", self, other) { ct_apply_binary(operation, handle, other.handle, $0) }
    }

    private func apply(_ operation: ct_binary, _ other: Double) -> Tensor {
        tensor("arithmetic", self) { ct_apply_binary_scalar(operation, handle, other, $0) }
    }
}
