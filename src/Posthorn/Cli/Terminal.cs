using System.Text;

namespace Posthorn.Cli;

/// <summary>The three standard streams as the commands see them; tests bring their own.</summary>
class Terminal(TextReader input, TextWriter output, TextWriter error)
{
    public static Terminal System() => new SystemTerminal();

    public TextReader In { get; } = input;
    public TextWriter Out { get; } = output;
    public TextWriter Error { get; } = error;

    /// <summary>The standard input as octets, for what is no text.</summary>
    public virtual Stream OpenInput() => new MemoryStream(Encoding.UTF8.GetBytes(In.ReadToEnd()));

    /// <summary>The standard output as octets.</summary>
    public virtual Stream OpenOutput() => new WriterStream(Out);

    /// <summary>True when a person can be asked.</summary>
    public virtual bool CanAsk => false;

    /// <summary>True when the error output is seen by a person while the command runs.</summary>
    public virtual bool ShowsProgress => false;

    /// <summary>Asks without showing what is typed.</summary>
    public virtual string AskSecret(string prompt) => throw new InvalidOperationException();

    /// <summary>Asks; true for "y" or "yes".</summary>
    public bool AskYes(string prompt)
    {
        Error.Write(prompt + " [y/N] ");
        return In.ReadLine()?.Trim().ToLowerInvariant() is "y" or "yes";
    }

    sealed class SystemTerminal() : Terminal(Console.In, new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true }, Console.Error)
    {
        public override bool CanAsk => !Console.IsInputRedirected && !Console.IsErrorRedirected;

        public override bool ShowsProgress => !Console.IsErrorRedirected;

        public override Stream OpenInput() => Console.OpenStandardInput();

        public override Stream OpenOutput() => Console.OpenStandardOutput();

        public override string AskSecret(string prompt)
        {
            Error.Write(prompt);
            var text = new StringBuilder();
            while (true)
            {
                var key = Console.ReadKey(intercept: true);
                if (key.Key == ConsoleKey.Enter) break;
                if (key.Key == ConsoleKey.Backspace)
                {
                    if (text.Length > 0) text.Length--;
                }
                else if (key.KeyChar != 0) text.Append(key.KeyChar);
            }
            Error.WriteLine();
            return text.ToString();
        }
    }
}
