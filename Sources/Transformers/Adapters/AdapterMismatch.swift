/// An adapter that does not fit a model.
public enum AdapterMismatch: Error, Equatable, CustomStringConvertible {
    /// An expression that cannot be read, and why.
    case notReadable(String)
    /// A name that ends no linear layer's.
    case noModule(String, known: [String])
    /// A name that ends no parameter's.
    case noParameter(String, known: [String])
    /// Targets that mean no linear layer.
    case nothing(known: [String])
    /// A module that cannot be trained whole.
    case notSaved(String, reason: String)
    /// A weight that is named as a module and as a parameter.
    case twice(String)
    /// A parameter that has no matrices in PEFT's files.
    case transposed(String)
    /// One of two weights that make one parameter.
    case half(String, other: String)
    /// A layer of networks of which some are experts, named by its place.
    case notApart(String)
    /// What parameters of experts have not.
    case dropout(String)
    case weightDecomposition(String)

    /// The mistake in one line.
    public var description: String {
        switch self {
        case .notReadable(let problem): problem
        case .noModule(let name, let known):
            "'\(name)' is no linear layer of the model; it has \(known.joined(separator: ", "))"
        case .noParameter(let name, let known):
            "'\(name)' is no parameter of the model that can have low-rank matrices; it has "
                + known.joined(separator: ", ")
        case .nothing(let known): "no linear layer of the model is meant; it has \(known.joined(separator: ", "))"
        case .notSaved(let name, let reason): "'\(name)' cannot be trained whole: \(reason)"
        case .twice(let name): "\(name) is meant both as a module and as a parameter"
        case .transposed(let name):
            "\(name) is [inputs, outputs], for which PEFT's files have no matrices"
        case .half(let name, let other):
            "'\(name)' of experts is one parameter with \(other) in PEFT's files"
        case .notApart(let name):
            "'\(name)' is not named apart in PEFT's files of a model of experts: a name without dots means the experts of all "
                + "layers, and attention can be named in any way"
        case .dropout(let name):
            "PEFT has no lora_dropout on \(name), which is a parameter without a module"
        case .weightDecomposition(let name):
            "PEFT has no use_dora on \(name), which is a parameter without a module"
        }
    }
}
