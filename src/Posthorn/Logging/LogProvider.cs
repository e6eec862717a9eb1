using Microsoft.Extensions.Logging;
using Posthorn.Configuration;

namespace Posthorn.Logging;

/// <summary>The loggers of the program: one line an event, as text or JSON.</summary>
sealed class LogProvider(LogOutput output, LogFormat format, LogSeverity level, TimeProvider time) : ILoggerFactory
{
    volatile int _level = (int)Map(level);

    public LogOutput Output => output;

    /// <summary>Changes the least severity at once.</summary>
    public void SetLevel(LogSeverity severity) => _level = (int)Map(severity);

    static LogLevel Map(LogSeverity severity) => severity switch
    {
        LogSeverity.Debug => LogLevel.Debug,
        LogSeverity.Information => LogLevel.Information,
        LogSeverity.Warning => LogLevel.Warning,
        _ => LogLevel.Error,
    };

    public ILogger CreateLogger(string categoryName) => new Log(this, Short(categoryName));

    /// <summary>The full name of a type of ours ("Posthorn.Smtp.Server.SmtpServer") is its project's name to people.</summary>
    static string Short(string category) =>
        category.StartsWith("Posthorn.", StringComparison.Ordinal) ? category.Split('.')[1].ToLowerInvariant() : category;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("the program logs to one place");

    public void Dispose() => output.Dispose();

    sealed class Log(LogProvider owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => (int)logLevel >= owner._level && logLevel != LogLevel.None;

        void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            var line = LogLine.Begin();
            if (owner.Json) line.Json(owner.Now, logLevel, category, eventId, formatter(state, exception), state as IReadOnlyList<KeyValuePair<string, object?>>, exception);
            else line.Text(owner.Now, logLevel, category, formatter(state, exception), exception);
            owner.Output.Write(line.Octets);
        }
    }

    bool Json => format == LogFormat.Json;

    DateTimeOffset Now => time.GetUtcNow();
}
