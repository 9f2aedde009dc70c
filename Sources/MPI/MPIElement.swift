import COpenMPI

/// A number that MPI can reduce.
///
/// There is no half precision here: Open MPI cannot add it. Reduce in `Float`, send half precision as bytes.
public protocol MPIElement: BitwiseCopyable, Sendable {
    /// MPI's name of this type.
    static var datatype: MPI_Datatype { get }
}

extension UInt8: MPIElement {
    /// `MPI_UINT8_T`
    public static var datatype: MPI_Datatype { mpo_uint8() }
}

extension Int32: MPIElement {
    /// `MPI_INT32_T`
    public static var datatype: MPI_Datatype { mpo_int32() }
}

extension Int64: MPIElement {
    /// `MPI_INT64_T`
    public static var datatype: MPI_Datatype { mpo_int64() }
}

extension Float: MPIElement {
    /// `MPI_FLOAT`
    public static var datatype: MPI_Datatype { mpo_float() }
}

extension Double: MPIElement {
    /// `MPI_DOUBLE`
    public static var datatype: MPI_Datatype { mpo_double() }
}

/// How an all-reduce joins the ranks' values.
public enum ReductionOperator: String, Sendable {
    case sum, min, max

    var handle: MPI_Op {
        switch self {
        case .sum: mpo_sum()
        case .min: mpo_min()
        case .max: mpo_max()
        }
    }
}
