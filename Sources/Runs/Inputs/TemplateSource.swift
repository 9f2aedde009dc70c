import Configuration
import Foundation
import JSON
import Tokenizers

extension RunConfiguration {
    /// The template that `chat_template` gives: its text, one of the model's by name, else one that is known by name; `nil` where the
    /// key is not given.
    ///
    /// - Throws: ``ConfigurationError`` for a file that is not there, no template or unknown name.
    func namedTemplate() throws -> ChatTemplate? {
        guard let text = chatTemplate else { return nil }
        let own = text.isTemplateText ? [] : ownTemplates
        do {
            if text.isTemplateText {
                return try ChatTemplate(jinja: text, name: "of \(chatTemplateFile ?? "chat_template")")
            }
            if let source = own.last(where: { $0.name == text }) { return try source.template() }
            return try ChatTemplate(named: text)
        } catch {
            guard case .unknownName(_, let nearest, let known) = error else {
                throw self.error(
                    at: "chat_template", "\(error)", remedy: "correct it, or leave it out for the tokenizer's own")
            }
            let names = own.map(\.name)
            let others = names.isEmpty ? "" : "one that the model brings (\(names.joined(separator: ", "))), "
            throw self.error(
                at: "chat_template", "'\(text)' is no template's name",
                remedy:
                    "did you mean \(NearestName.of(text, in: names) ?? nearest)? Write \(others)\(known.joined(separator: ", ")), "
                    + "a file, or Jinja text")
        }
    }

    /// The templates that the tokenizer's directory brings; none where it cannot be read, which is told where it is.
    private var ownTemplates: [ChatTemplateSource] {
        modelNameOrPath.isEmpty && tokenizerNameOrPath == nil
            ? [] : (try? ChatTemplateSource.all(in: tokenizerDirectory)) ?? []
    }

    /// Whether `chat_template_kwargs` tells every conversation tools.
    var tellsTools: Bool { chatTemplateKwargs["tools"].map { !$0.isBlank } ?? false }

    /// Checks that what `chat_template_kwargs` tells is read by one of these templates.
    ///
    /// - Throws: ``ConfigurationError`` for a variable that is not.
    func checkVariables(of templates: [ChatTemplate]) throws {
        for key in chatTemplateKwargs.keys where key != "date" || !asksForDate {
            guard !templates.contains(where: { $0.reads(key) }) else { continue }
            let names = templates.flatMap(\.variableNames).reduce(into: [String]()) { names, name in
                if !names.contains(name) { names.append(name) }
            }
            let known = names.isEmpty ? "" : "; it reads \(names.joined(separator: ", "))"
            throw error(
                at: "chat_template_kwargs",
                "the chat template \(templates.map(\.name).joined(separator: " or ")) reads no '\(key)'",
                remedy: "take it out, or correct it\(known)")
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

    /// Writes down what a template may find otherwise when the run goes on: its text, where it is a file, and the day that it takes
    /// for today, where it asks for one and the configuration does not say: that of the run where there is one, else this day.
    ///
    /// - Throws: ``ConfigurationError`` for a file that cannot be read, and for a variable that is not the user's to give.
    package mutating func fixTemplate() throws {
        if let key = ChatTemplate.ownVariables.first(where: { chatTemplateKwargs[$0] != nil }) {
            throw error(at: "chat_template_kwargs", "\(key) is what each conversation brings", remedy: "take it out")
        }
        if let path = chatTemplate, !path.isTemplateText, path.contains("/") || path.hasSuffix(".jinja") {
            guard let data = try? Data(contentsOf: URL(filePath: path)),
                let jinja = String(validating: data, as: UTF8.self), jinja.isTemplateText
            else {
                throw error(
                    at: "chat_template", "\(path): no such file of Jinja text",
                    remedy: "name a file that holds a template")
            }
            (chatTemplate, chatTemplateFile) = (jinja, path)
        }
        guard chatTemplateKwargs["date"] == nil, asksForDate else { return }
        let run = RunDirectory(URL(filePath: outputDir))
        let files = outputDir.isEmpty ? [] : [run.resolvedConfiguration, run.configuration]
        let written = files.lazy.compactMap { file -> String? in
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
        let texts = (try? namedTemplate()?.jinja).map { [$0] } ?? ownTemplates.map(\.jinja)
        return texts.contains { $0.contains("strftime_now") }
    }
}

extension String {
    /// Whether it is Jinja and no name or path.
    fileprivate var isTemplateText: Bool { contains("{{") || contains("{%") }
}
