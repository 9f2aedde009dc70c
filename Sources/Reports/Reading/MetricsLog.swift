import Foundation
import JSON

/// `metrics.jsonl` as it lies on disk, whole or not.
package struct MetricsLog: Sendable {
    /// In the order of their first lines.
    package private(set) var stages: [StageCurves] = []
    /// The number of a last line that was cut short, and is left out.
    package private(set) var tornLine: Int?
    /// Numbers of other lines that are no metrics, and are left out.
    package private(set) var damagedLines: [Int] = []

    private var places: [String: Int] = [:]
    /// Whose the line before was, and the columns of its fields in order: most lines have the same.
    private var order = FieldOrder()
    private var fields: [MetricsField] = []

    /// Reads a file; one that is not there is empty.
    ///
    /// - Throws: ``ReportError``
    package init(_ file: URL) throws(ReportError) {
        guard FileManager.default.fileExists(atPath: file.path) else { return }
        var log = MetricsLog()
        try LineStream.read(file) { line in
            if log.add(line.bytes) || log.addRewritten(line.bytes) { return }
            if line.isWhole { log.damagedLines.append(line.number) } else { log.tornLine = line.number }
        }
        self = log
    }

    private init() {}

    /// Takes in a line; `false` where it is none of metrics, or not as this program writes them.
    private mutating func add(_ line: UnsafeRawBufferPointer) -> Bool {
        fields.removeAll(keepingCapacity: true)
        guard MetricsField.scan(line, into: &fields), fields.count >= 3,
            fields[0].isNamed("stage"), case .text(let stage) = fields[0].value,
            fields[1].isNamed("step"), case .number(let step) = fields[1].value,
            fields[2].isNamed("time"), case .number(let time) = fields[2].value
        else { return false }
        select(stage)
        stages[order.stagePlace].begin(step: step, time: time)
        for (index, field) in fields.dropFirst(3).enumerated() {
            guard let value = field.figure else { continue }
            stages[order.stagePlace].set(column(of: field.key, at: index), value)
        }
        return true
    }

    /// The same of a line in another form of JSON, or one that says beside its metrics what was not finite.
    private mutating func addRewritten(_ line: UnsafeRawBufferPointer) -> Bool {
        guard case .object(let object)? = try? JSON(parsing: line) else { return false }
        let marks = ["stage", "step", "time"].map { ($0, object[$0] ?? .null) }
        let figures = object.entries.filter { entry in
            guard !marks.contains(where: { $0.0 == entry.key }) else { return false }
            return entry.value == .null || entry.value.double != nil
        }
        let plain = JSONObject(uniqueKeysWithValues: marks + figures.map { ($0.key, $0.value) })
        var bytes: [UInt8] = []
        JSON.object(plain).write(to: &bytes, comma: ",", colon: ":")
        return bytes.withUnsafeBytes { add($0) }
    }

    private mutating func select(_ stage: UnsafeRawBufferPointer) {
        guard !stage.elementsEqual(order.stage) else { return }
        let name = String(decoding: stage, as: UTF8.self)
        let place = places[name] ?? stages.count
        if place == stages.count {
            stages.append(StageCurves(stage: name))
            places[name] = place
        }
        order = FieldOrder(stage: Array(stage), stagePlace: place)
    }

    private mutating func column(of key: UnsafeRawBufferPointer, at index: Int) -> Int {
        if index < order.keys.count, order.keys[index].key.count == key.count, key.elementsEqual(order.keys[index].key)
        {
            return order.keys[index].column
        }
        let column = stages[order.stagePlace].place(of: String(decoding: key, as: UTF8.self))
        if index <= order.keys.count {
            order.keys.removeSubrange(index...)
            order.keys.append((Array(key), column))
        }
        return column
    }

    private struct FieldOrder: Sendable {
        var stage: [UInt8] = []
        var stagePlace = 0
        var keys: [(key: [UInt8], column: Int)] = []
    }
}
