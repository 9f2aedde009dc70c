import Configuration

/// Options of a part of a preference loss.
///
/// Parts whose options are of one type share them: `label_smoothing` is one key, whichever links read it. Keys that TRL has
/// stand in the stage's own block, as there; those of a method alone in a block of its name.
package protocol LossOptions: KeyedOptions, Equatable {
    /// The block within the stage's that holds the keys; `nil` for the stage's own.
    static var block: String? { get }
}

extension LossOptions {
    package static var block: String? { nil }
}

/// The options of a part that has none.
package struct NoLossOptions: LossOptions {
    package static var fields: [Field<Self>] { [] }
    package init() {}
}

/// The values of the options of all parts, by the type of options; those that were not set have their defaults.
package struct LossSettings: Sendable, Equatable {
    private var values: [ObjectIdentifier: any LossOptions] = [:]

    package init() {}

    package subscript<Options: LossOptions>(_ type: Options.Type) -> Options {
        get { values[ObjectIdentifier(type)] as? Options ?? Options() }
        set { values[ObjectIdentifier(type)] = newValue }
    }

    package static func == (left: LossSettings, right: LossSettings) -> Bool {
        Set(left.values.keys).union(right.values.keys).allSatisfy { type in
            guard let value = left.values[type] ?? right.values[type] else { return true }
            return left.agrees(with: right, on: value)
        }
    }

    private func agrees<Options: LossOptions>(with other: LossSettings, on _: Options) -> Bool {
        self[Options.self] == other[Options.self]
    }
}
