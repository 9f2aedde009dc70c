/// Which modules of a model are meant, as `target_modules` of PEFT names them.
public enum AdapterTargets: Sendable, Equatable, CustomStringConvertible {
    /// Every linear layer but the one that ends the model.
    case allLinear
    /// Modules of these names, or whose names end in a dot and one of them.
    case names([String])
    /// Modules whose whole name a regular expression matches.
    case pattern(String)

    /// What stands for ``allLinear`` where targets are given.
    public static let allLinearName = "all-linear"

    /// As they are written.
    public var description: String {
        switch self {
        case .allLinear: Self.allLinearName
        case .names(let names): names.joined(separator: ", ")
        case .pattern(let pattern): pattern
        }
    }

    /// Whether a linear layer is meant.
    func contain(_ module: String) -> Bool { matcher(module) }

    /// The same for many layers.
    var matcher: (String) -> Bool {
        switch self {
        case .allLinear: return { _ in true }
        case .names(let names):
            let names = Set(names)
            return { module in
                names.contains(module)
                    || module.indices.contains {
                        module[$0] == "." && names.contains(String(module[$0...].dropFirst()))
                    }
            }
        case .pattern(let pattern):
            guard let expression = try? ModuleExpression(pattern) else { return { _ in false } }
            return expression.matches
        }
    }
}

extension ModelConfiguration {
    /// What PEFT adapts where no modules are named: the projections to queries and values, or to all three where they are one.
    package var defaultAdapterTargets: AdapterTargets {
        let names = specification.names
        let isFused = specification.layers.first?.attention.projection != .separate
        let last = { (name: String) in String(name.split(separator: ".").last ?? "") }
        return .names(isFused ? [last(names.fused)] : [last(names.query), last(names.value)])
    }
}
