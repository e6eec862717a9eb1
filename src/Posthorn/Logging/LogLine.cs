using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Posthorn.Logging;

/// <summary>Formats one event into the thread's own buffer.</summary>
sealed class LogLine
{
    [ThreadStatic] static LogLine? _own;

    readonly ArrayBufferWriter<byte> _buffer = new(512);
    Utf8JsonWriter? _json;

    /// <summary>The thread's line, empty. Valid until the next call on the same thread.</summary>
    public static LogLine Begin()
    {
        var line = _own ??= new LogLine();
        line._buffer.ResetWrittenCount();
        return line;
    }

    public ReadOnlySpan<byte> Octets => _buffer.WrittenSpan;

    public void Text(DateTimeOffset at, LogLevel level, string category, string message, Exception? fault)
    {
        Time(at);
        _buffer.Write(level switch { LogLevel.Debug or LogLevel.Trace => " debug "u8, LogLevel.Information => " info "u8, LogLevel.Warning => " warning "u8, LogLevel.Error => " error "u8, _ => " critical "u8 });
        Escaped(category);
        _buffer.Write(": "u8);
        Escaped(message);
        if (fault is not null)
        {
            _buffer.Write(" | "u8);
            Escaped(fault.ToString());
        }
        _buffer.Write("\n"u8);
    }

    void Time(DateTimeOffset at)
    {
        var span = _buffer.GetSpan(32);
        at.UtcDateTime.TryFormat(span, out var n, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        _buffer.Advance(n);
    }

    /// <summary>Control characters become \xNN: what a client sends must not be able to begin a line of its own.</summary>
    void Escaped(ReadOnlySpan<char> text)
    {
        while (text.Length > 0)
        {
            var bad = 0;
            while (bad < text.Length && !IsControl(text[bad])) bad++;
            if (bad > 0) Encoding.UTF8.GetBytes(text[..bad], _buffer);
            if (bad == text.Length) return;
            var span = _buffer.GetSpan(8);
            ((int)text[bad]).TryFormat(span[2..], out var n, text[bad] > 0xFF ? "x4" : "x2", CultureInfo.InvariantCulture);
            (span[0], span[1]) = ((byte)'\\', text[bad] > 0xFF ? (byte)'u' : (byte)'x');
            _buffer.Advance(n + 2);
            text = text[(bad + 1)..];
        }
    }

    /// <summary>C0, DEL, C1, and the two Unicode line ends.</summary>
    static bool IsControl(char c) => c < ' ' || c is >= '\u007F' and <= '\u009F' or '\u2028' or '\u2029';

    public void Json(DateTimeOffset at, LogLevel level, string category, EventId id, string message, IReadOnlyList<KeyValuePair<string, object?>>? fields, Exception? fault)
    {
        var json = _json ??= new Utf8JsonWriter(_buffer, new JsonWriterOptions { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.Reset(_buffer);
        json.WriteStartObject();
        json.WriteString("time"u8, at.UtcDateTime);
        json.WriteString("level"u8, level switch { LogLevel.Debug or LogLevel.Trace => "debug", LogLevel.Information => "info", LogLevel.Warning => "warning", LogLevel.Error => "error", _ => "critical" });
        json.WriteString("category"u8, category);
        if (id.Id != 0) json.WriteNumber("event"u8, id.Id);
        json.WriteString("message"u8, message);
        if (fields is not null)
            for (var i = 0; i < fields.Count; i++)
                if (fields[i].Key is not "{OriginalFormat}") Field(json, fields[i]);
        if (fault is not null) json.WriteString("fault"u8, fault.ToString());
        json.WriteEndObject();
        json.Flush();
        _buffer.Write("\n"u8);
    }

    static void Field(Utf8JsonWriter json, KeyValuePair<string, object?> field)
    {
        var name = char.IsUpper(field.Key[0]) ? char.ToLowerInvariant(field.Key[0]) + field.Key[1..] : field.Key;
        // The names above are taken.
        if (name is "time" or "level" or "category" or "event" or "message" or "fault") name += "_";
        switch (field.Value)
        {
            case null: json.WriteNull(name); break;
            case int n: json.WriteNumber(name, n); break;
            case long n: json.WriteNumber(name, n); break;
            case bool b: json.WriteBoolean(name, b); break;
            case double d when double.IsFinite(d): json.WriteNumber(name, d); break;
            case IFormattable f: json.WriteString(name, f.ToString(null, CultureInfo.InvariantCulture)); break;
            default: json.WriteString(name, field.Value.ToString()); break;
        }
    }
}
