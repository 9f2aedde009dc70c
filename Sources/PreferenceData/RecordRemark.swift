/// What was odd about a record that was read all the same, so that nobody finds out only from the results.
public enum RecordRemark: Hashable, Sendable {
    /// The row is in a known layout of another name.
    case layout(String)
    /// Answers to a prompt of which none is the better one, left out.
    case undecided
    /// An answer with scores, but without another to its prompt next to it, left out.
    case loneAnswer
    /// No column names the prompt: what the texts of chosen and rejected share at their start was taken for it.
    case sharedStart
    /// Responses began with the prompt's text, which was taken off.
    case promptRepeated
    /// One response of a pair begins with the prompt's text and the other does not; both were left as they are.
    case promptRepeatedOnce
    /// Both responses of a pair are the same.
    case equalResponses
    /// A response is empty.
    case emptyResponse
    /// A column that may belong to the prompt, whose text is not in it. Rules and programs may read it.
    case unread(column: String)
    /// An answer with a label.
    case labeled
    /// A preference pair that was read as a desirable and an undesirable answer.
    case takenApart
    /// A column of a reference's sums, where they are computed all the same.
    case givenSums(column: String)
    /// A file of held-out data that is read together with one to train on.
    case heldOut(file: String, beside: String)

    /// What a number of such records are.
    fileprivate func text(_ count: Int) -> String {
        switch self {
        case .layout(let name): "\(count) rows in the layout of \(name)"
        case .undecided: "\(count) prompts left out, to which no answer is better than another"
        case .loneAnswer:
            "warning: \(count) answers left out, next to which none to the same prompt stands (dataset.columns: {completion: response} "
                + "reads each by itself)"
        case .sharedStart: "\(count) prompts taken from what chosen and rejected share"
        case .promptRepeated: "\(count) times responses repeated their prompt, which was taken off"
        case .promptRepeatedOnce: "warning: in \(count) pairs one response repeats its prompt and the other does not"
        case .equalResponses: "warning: \(count) pairs have two equal responses"
        case .emptyResponse: "warning: \(count) examples have an empty response"
        case .unread(let column):
            "warning: '\(column)' is not in the prompt of \(count) examples, and no model reads it"
        case .labeled: "\(count) rows with a label"
        case .takenApart: "\(count) preference pairs, each read as a desirable and an undesirable answer"
        case .givenSums(let column): "warning: '\(column)' of \(count) rows is not read: such sums are computed"
        case .heldOut(let file, let other): "warning: \(file) is read as one with \(other)"
        }
    }
}

/// The remarks on a dataset's records, counted.
public struct RecordRemarks: Sendable {
    private struct Count {
        var remark: RecordRemark
        var number: Int
        var first: RecordSource?
    }

    private var counts: [Count] = []

    /// Counts a remark; `source` is where it was made, for one that is about a line.
    mutating func note(_ remark: RecordRemark, at source: RecordSource?) {
        if let index = counts.firstIndex(where: { $0.remark == remark }) {
            counts[index].number += 1
        } else {
            counts.append(Count(remark: remark, number: 1, first: source))
        }
    }

    /// What was left out of rows that are no bad ones; `nil` where nothing was.
    var leftOut: String? {
        let texts = counts.filter { [.undecided, .loneAnswer].contains($0.remark) }.map {
            String($0.remark.text($0.number).trimmingPrefix("warning: "))
        }
        return texts.isEmpty ? nil : texts.joined(separator: ", ")
    }

    /// Each remark with how many records it is about, and the first of them.
    public var texts: [String] {
        counts.map { count in
            count.remark.text(count.number) + (count.first.map { " (the first: \($0))" } ?? "")
        }
    }
}
