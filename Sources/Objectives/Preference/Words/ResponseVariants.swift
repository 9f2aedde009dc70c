/// Variants of a response's text that the policy is shown beside it, under a name.
package struct ResponseVariants: Sendable, Equatable {
    /// What they are; variants of one name are the same.
    package let name: String
    /// How many there are of each response.
    package let count: Int
    /// So many texts of one.
    package let texts: @Sendable (String) -> [String]

    package init(_ name: String, count: Int, texts: @escaping @Sendable (String) -> [String]) {
        (self.name, self.count, self.texts) = (name, count, texts)
    }

    package static func == (left: ResponseVariants, right: ResponseVariants) -> Bool { left.name == right.name }

    /// SPO's graded variants: of degree k = 1...K, without the `⌈k n / K⌉` best of the text's n phrases.
    ///
    /// The paper (arXiv 2409.17791) says that growing amounts of key content are removed, and not how much.
    package static func withoutKeywords(degrees: Int) -> ResponseVariants {
        ResponseVariants("keywords-\(degrees)", count: degrees) { text in
            variants(of: text, degrees: degrees, isStopWord: StopWords.contains(contraction:))
        }
    }

    package static func variants(of text: String, degrees: Int, isStopWord: (String) -> Bool) -> [String] {
        let keywords = Keywords(of: text, isStopWord: isStopWord)
        return (1...degrees).map { degree in
            keywords.textWithoutBest((degree * keywords.phrases.count + degrees - 1) / degrees)
        }
    }
}
