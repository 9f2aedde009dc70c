import Configuration
import Foundation
import JSON
import Tokenizers

extension RunConfiguration {
    /// The template that `chat_template` gives: by name, as a file, or as its text; `nil` where the key is not given.
    ///
    /// - Throws: ``ConfigurationError`` for a file that is not there, no template or unknown name.
    func namedTemplate() throws -> ChatTemplate? {
        guard let text = chatTemplate else { return nil }
        do {
            if text.contains("{{") || text.contains("{%") {
                return try ChatTemplate(jinja: text, name: "of chat_template")
            }
            guard text.contains("/") || text.hasSuffix(".jinja") else { return try ChatTemplate(named: text) }
            let url = URL(filePath: text)
            guard let data = try? Data(contentsOf: url), let jinja = String(validating: data, as: UTF8.self) else {
                throw error(
                    at: "chat_template", "\(text): no such file of UTF-8 text",
                    remedy: "name a file that holds a Jinja template")
            }
            return try ChatTemplate(jinja: jinja, name: url.lastPathComponent)
        } catch let error as ChatTemplateError {
            guard case .unknownName(_, let nearest, let known) = error else {
                throw self.error(
                    at: "chat_template", "\(error)", remedy: "correct it, or leave it out for the tokenizer's own")
            }
            throw self.error(
                at: "chat_template", "'\(text)' is no template's name",
                remedy: "did you mean \(nearest)? Write \(known.joined(separator: ", ")), a file, or Jinja text")
        }
    }

    /// A template with what `chat_template_kwargs` tells it.
    ///
    /// - Throws: ``ConfigurationError`` for a date that is none.
    func told(_ template: ChatTemplate) throws -> ChatTemplate {
        var template = template
        template.variables = chatTemplateKwargs
        template.date = try templateDate()
        return template
    }

    /// Writes down the day that the template will take for today, where it asks for one and the configuration does not say: that of
    /// the run where there is one, so that it reads the same text when it goes on, else this day.
    mutating func fixTemplateDate() {
        guard chatTemplateKwargs["date"] == nil, asksForDate else { return }
        let run = RunDirectory(URL(filePath: outputDir))
        let written = [run.resolvedConfiguration, run.configuration].lazy.compactMap { file -> String? in
            guard let yaml = try? String(contentsOf: file, encoding: .utf8),
                let root = try? ConfigurationNode(yaml: yaml, place: { _ in .none })
            else { return nil }
            return root.value(of: "chat_template_kwargs")?.value(of: "date").flatMap { String($0) }
        }
        let today = Calendar(identifier: .gregorian).dateComponents([.year, .month, .day], from: Date())
        let text = String(format: "%04d-%02d-%02d", today.year ?? 2000, today.month ?? 1, today.day ?? 1)
        chatTemplateKwargs["date"] = .string(written.first ?? text)
    }

    private func templateDate() throws -> JinjaDate? {
        guard let value = chatTemplateKwargs["date"], value != .null else { return nil }
        let parts = value.text?.split(separator: "-").compactMap { Int($0) } ?? []
        guard parts.count == 3, let date = JinjaDate(year: parts[0], month: parts[1], day: parts[2]) else {
            throw error(
                at: "chat_template_kwargs", "its date is no day of the calendar", remedy: "write one such as 2026-11-27"
            )
        }
        return date
    }

    private var asksForDate: Bool {
        if let text = try? namedTemplate()?.jinja { return text.contains("strftime_now") }
        let directory = URL(filePath: tokenizerNameOrPath ?? modelNameOrPath)
        return ["chat_template.jinja", "tokenizer_config.json"].contains { name in
            (try? Data(contentsOf: directory.appending(path: name)))
                .map { String(decoding: $0, as: UTF8.self).contains("strftime_now") } ?? false
        }
    }
}
