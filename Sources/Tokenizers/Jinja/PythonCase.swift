/// Upper and lower case as Python has them, by the full mappings of Unicode.
extension String {
    /// Lower case; a capital sigma at a word's end becomes `ς`.
    var pythonLowercased: String {
        if isASCIIText { return lowercased() }
        var result = String.UnicodeScalarView()
        let scalars = Array(unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            if scalar == "\u{3A3}" {
                let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }?.properties.isCased ?? false
                let after =
                    scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }?.properties.isCased ?? false
                result.append(before && !after ? "\u{3C2}" : "\u{3C3}")
            } else {
                result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return String(result)
    }

    var pythonUppercased: String {
        if isASCIIText { return uppercased() }
        return mapped { $0.properties.uppercaseMapping }
    }

    /// The first character as a title's, the others in lower case.
    var pythonCapitalized: String {
        guard let first = unicodeScalars.first else { return self }
        return first.properties.titlecaseMapping + String(String(unicodeScalars.dropFirst()).pythonLowercased)
    }

    /// Each word as a title's: what follows a letter is in lower case.
    var pythonTitle: String {
        var isInWord = false
        return mapped { scalar in
            defer { isInWord = scalar.properties.isCased }
            return isInWord ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
        }
    }

    /// As texts are compared without regard to case.
    var pythonCasefolded: String {
        if isASCIIText { return lowercased() }
        return mapped { scalar in
            // The dotless i folds to itself, though its upper case is that of i.
            scalar == "\u{131}" ? String(scalar) : scalar.properties.uppercaseMapping.lowercased()
        }
    }

    var pythonSwappedCase: String {
        mapped { scalar in
            scalar.properties.isUppercase
                ? scalar.properties.lowercaseMapping
                : scalar.properties.isLowercase ? scalar.properties.uppercaseMapping : String(scalar)
        }
    }

    /// Whether there are letters with a case, all of them lower.
    var isPythonLowercase: Bool {
        has { $0.properties.isLowercase } && !has { $0.properties.isUppercase || $0.isTitlecase }
    }

    /// Whether there are letters with a case, all of them upper.
    var isPythonUppercase: Bool {
        has { $0.properties.isUppercase } && !has { $0.properties.isLowercase || $0.isTitlecase }
    }

    /// Whether each word begins with an upper case letter and goes on in lower case.
    var isPythonTitle: Bool {
        var (isInWord, hasCase) = (false, false)
        for scalar in unicodeScalars {
            if scalar.properties.isUppercase || scalar.isTitlecase {
                guard !isInWord else { return false }
                (isInWord, hasCase) = (true, true)
            } else if scalar.properties.isLowercase {
                guard isInWord else { return false }
                hasCase = true
            } else {
                isInWord = false
            }
        }
        return hasCase
    }

    /// Whether there is a character and each is of a kind.
    func isAll(_ kind: (Unicode.Scalar) -> Bool) -> Bool { !isEmpty && unicodeScalars.allSatisfy(kind) }

    private func has(_ kind: (Unicode.Scalar) -> Bool) -> Bool { unicodeScalars.contains(where: kind) }

    private func mapped(_ mapping: (Unicode.Scalar) -> String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars { result.append(contentsOf: mapping(scalar).unicodeScalars) }
        return String(result)
    }
}

extension Unicode.Scalar {
    /// What Python's `str.isspace` and its regular expressions take for white space.
    var isPythonSpace: Bool {
        switch value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
        default: false
        }
    }

    /// What ends a line for `str.splitlines`.
    var isPythonLineBreak: Bool {
        switch value {
        case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }

    var isTitlecase: Bool { properties.generalCategory == .titlecaseLetter }

    var isPythonLetter: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }

    var isPythonDecimal: Bool { properties.numericType == .decimal }
    var isPythonDigit: Bool { isPythonDecimal || properties.numericType == .digit }
    var isPythonNumeric: Bool { properties.numericType != nil }
    var isPythonAlphanumeric: Bool { isPythonLetter || isPythonNumeric }

    /// What `repr` writes as it is.
    var isPythonPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: self == " "
        default: true
        }
    }
}
