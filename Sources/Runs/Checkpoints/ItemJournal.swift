import Foundation

/// One item of a stage that works on items rather than steps: a pair to be scored, or a prompt that a policy answers.
package struct ItemKey: Hashable, Codable, Sendable {
    /// Its index in the stage's data.
    package var index: Int
    /// Which of the stage's policies, where there are several.
    package var policy = 0

    package init(index: Int, policy: Int = 0) {
        (self.index, self.policy) = (index, policy)
    }
}

/// Where the items lie that a stage has found so far.
package enum ItemJournalFile {
    package static let name = "progress.jsonl"

    /// Whether the journal in a stage's directory has a whole line.
    package static func holdsItems(in directory: URL) -> Bool {
        (try? Data(contentsOf: directory.appending(path: name)).contains(UInt8(ascii: "\n"))) ?? false
    }
}

/// What a stage of items has found so far, in `progress.jsonl`, so that a resumed run need not find it again.
///
/// A line holds what came in one report, and counts only if it is whole.
package final class ItemJournal<Item: Codable> {
    /// What was found, in the order it came.
    package private(set) var items: [Item] = []
    private let url: URL
    private let file: AppendOnlyFile

    /// Opens the journal of a stage's directory, with what an earlier start has left there.
    package init(_ directory: URL) throws {
        url = directory.appending(path: ItemJournalFile.name)
        let length: Int
        (items, length) = Self.read(url)
        file = try AppendOnlyFile(path: url.path, keeping: UInt64(length))
    }

    /// What the journal of a stage's directory holds, for who only reads it.
    package static func items(in directory: URL) -> [Item] {
        read(directory.appending(path: ItemJournalFile.name)).items
    }

    /// What stands in whole lines, and how many bytes they are.
    private static func read(_ url: URL) -> (items: [Item], length: Int) {
        let data = (try? Data(contentsOf: url)) ?? Data()
        var items: [Item] = []
        var position = data.startIndex
        while let newline = data[position...].firstIndex(of: UInt8(ascii: "\n")),
            let line = try? JSONDecoder.forMessages.decode([Item].self, from: data[position..<newline])
        {
            items += line
            position = newline + 1
        }
        return (items, position)
    }

    package func append(_ more: [Item]) throws {
        items += more
        try file.append(Array(try JSONEncoder.forMessages.encode(more)) + [UInt8(ascii: "\n")])
    }

    /// All that was found, for who knows what a stage finds, from first to last.
    ///
    /// - Throws: ``RunError`` where the file holds something else.
    package func checkedItems(_ areWhole: ([Item]) -> Bool) throws -> [Item] {
        guard areWhole(items) else {
            throw RunError.other("\(url.path): is not of this stage and its data; delete it and resume again")
        }
        return items
    }

    /// Removes the file, once what was found lies elsewhere.
    package func remove() throws { try FileManager.default.removeItem(at: url) }
}
