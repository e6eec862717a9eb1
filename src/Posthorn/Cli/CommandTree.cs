using System.Collections;
using System.CommandLine;
using System.CommandLine.Invocation;
using Posthorn.Configuration;
using Posthorn.Sendmail;
using Posthorn.Verbs;

namespace Posthorn.Cli;

/// <summary>The commands as they are typed: made from the verb table, with the few that are not verbs beside them.</summary>
sealed class CommandTree
{
    readonly RootCommand _root = new("Posthorn, a complete mail server.") { TreatUnmatchedTokensAsErrors = true };
    readonly Option<string?> _config = new("--config") { Description = "The configuration file (else POSTHORN_CONFIG, else /etc/posthorn/posthorn.json).", HelpName = "FILE", Recursive = true };
    readonly Option<string[]> _set = new("--set") { Description = "Sets one option over the file: --set limits.messageSize=10MB.", HelpName = "OPTION=VALUE", Recursive = true };
    readonly Option<bool> _json = new("--json") { Description = "Prints JSON.", Recursive = true };
    readonly Terminal _terminal;
    readonly IDictionary _environment;

    public CommandTree(Terminal terminal, IDictionary environment)
    {
        (_terminal, _environment) = (terminal, environment);
        _root.Options.Add(_config);
        _root.Options.Add(_set);
        _root.Options.Add(_json);
        foreach (var verb in VerbTable.All) Add(verb);
        AddServe();
        AddDemo();
        AddConfig();
        AddSendmail();
    }

    /// <summary>Runs one command line; the result is the exit code.</summary>
    public async Task<int> RunAsync(string[] args)
    {
        // Their words are not ours: letters behind one dash, options between arguments.
        if (args is [var name, .. var words] && SendmailCommand.IsName(name) && words is not ["--help"])
            return await new SendmailCommand(_terminal, _environment).RunAsync(name, words, CancellationToken.None).ConfigureAwait(false);
        var parsed = _root.Parse(args);
        if (parsed.Action is ParseErrorAction || (parsed.Action is null && parsed.Errors.Count > 0))
        {
            foreach (var error in parsed.Errors) _terminal.Error.WriteLine("posthorn: " + error.Message);
            _terminal.Error.WriteLine($"Try: {string.Join(' ', Words(parsed.CommandResult))} --help");
            return ExitCode.Usage;
        }
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { Output = _terminal.Out, Error = _terminal.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }).ConfigureAwait(false);
        }
        catch (ConfigException e)
        {
            return ConfigCommands.Report(_terminal, e, parsed.GetValue(_json));
        }
    }

    static IEnumerable<string> Words(System.CommandLine.Parsing.CommandResult result)
    {
        var words = new Stack<string>();
        for (System.CommandLine.Parsing.SymbolResult? r = result; r is System.CommandLine.Parsing.CommandResult c; r = r.Parent) words.Push(c.Command.Name);
        words.Pop();
        return words.Prepend("posthorn");
    }

    Command At(string path)
    {
        Command at = _root;
        foreach (var word in path.Split(' '))
        {
            var next = at.Subcommands.FirstOrDefault(c => c.Name == word);
            if (next is null) at.Subcommands.Add(next = new Command(word, VerbTable.Nouns.GetValueOrDefault(word, "")));
            at = next;
        }
        return at;
    }

    void Add(Verb verb)
    {
        var command = At(verb.Path);
        command.Description = verb.Help;
        var readers = new List<Action<ParseResult, VerbInput>>();
        foreach (var parameter in verb.Parameters) readers.Add(Declare(command, parameter));
        Option<bool>? yes = null, dryRun = null;
        if (verb.ShowsFirst || verb.Confirm is not null) command.Options.Add(yes = new Option<bool>("--yes") { Description = "Does not ask." });
        if (verb.ShowsFirst) command.Options.Add(dryRun = new Option<bool>("--dry-run") { Description = "Shows what would change, and changes nothing." });
        command.SetAction((parsed, ct) =>
        {
            var input = new VerbInput { Yes = yes is not null && parsed.GetValue(yes), DryRun = dryRun is not null && parsed.GetValue(dryRun), Json = parsed.GetValue(_json) };
            foreach (var read in readers) read(parsed, input);
            return new VerbCommand(verb, _terminal, new ConfigLoader(_environment)).RunAsync(input, parsed.GetValue(_config), parsed.GetValue(_set) ?? [], ct);
        });
    }

    static Action<ParseResult, VerbInput> Declare(Command command, VerbParameter parameter)
    {
        var (name, help) = (parameter.Name, parameter.Help);
        switch (parameter.Kind)
        {
            case ParameterKind.Word:
                var word = new Argument<string>(name) { Description = help };
                command.Arguments.Add(word);
                return (p, input) => input.Values[name] = p.GetValue(word);
            case ParameterKind.Words or ParameterKind.AnyWords:
                var words = new Argument<string[]>(name) { Description = help, Arity = parameter.Kind == ParameterKind.Words ? ArgumentArity.OneOrMore : ArgumentArity.ZeroOrMore };
                command.Arguments.Add(words);
                return (p, input) => input.Values[name] = new System.Text.Json.Nodes.JsonArray([.. (p.GetValue(words) ?? []).Select(w => (System.Text.Json.Nodes.JsonNode)w)]);
            case ParameterKind.Option:
                var option = new Option<string?>("--" + Dashed(name)) { Description = help };
                command.Options.Add(option);
                return (p, input) => { if (p.GetValue(option) is { } value) input.Values[name] = value; };
            case ParameterKind.Flag:
                var flag = new Option<bool>("--" + Dashed(name)) { Description = help };
                command.Options.Add(flag);
                return (p, input) => { if (p.GetValue(flag)) input.Values[name] = true; };
            case ParameterKind.Password:
                var stdin = new Option<bool>("--password-stdin") { Description = "Reads the password from the first line of the standard input." };
                var file = new Option<string?>("--password-file") { Description = "Reads the password from the first line of a file.", HelpName = "FILE" };
                command.Options.Add(stdin);
                command.Options.Add(file);
                return (p, input) => input.Password = new PasswordSource(name, p.GetValue(stdin), p.GetValue(file));
            default:
                var content = new Argument<string>(name) { Description = help, Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = static _ => "-" };
                command.Arguments.Add(content);
                return (p, input) => input.Content = (name, p.GetValue(content) ?? "-");
        }
    }

    static string Dashed(string name) => string.Concat(name.Select(c => char.IsUpper(c) ? "-" + char.ToLowerInvariant(c) : c.ToString()));

    void AddServe()
    {
        var serve = At("serve");
        serve.Description = "Runs the server until SIGTERM.";
        serve.SetAction((parsed, ct) => Serving.ServeCommand.RunAsync(new ConfigLoader(_environment), parsed.GetValue(_config), parsed.GetValue(_set) ?? [], _terminal));
    }

    void AddDemo()
    {
        var demo = At("demo");
        demo.Description = "Runs a server on this machine to try it out, with two accounts and a throw-away store.";
        var data = new Option<string?>("--data") { Description = "Keeps the store here instead of throwing it away.", HelpName = "DIR" };
        var domain = new Option<string>("--domain") { Description = "The domain of the accounts.", HelpName = "DOMAIN", DefaultValueFactory = static _ => "example.test" };
        var port = new Option<int>("--port-base") { Description = "Added to each standard port.", HelpName = "N", DefaultValueFactory = static _ => 2000 };
        demo.Options.Add(data);
        demo.Options.Add(domain);
        demo.Options.Add(port);
        demo.SetAction((parsed, ct) => Serving.DemoCommand.RunAsync(new(parsed.GetValue(data), parsed.GetValue(domain)!, parsed.GetValue(port), parsed.GetValue(_json)), _terminal));
    }

    /// <summary>For the help only: their command lines are read by <see cref="SendmailCommand"/>.</summary>
    void AddSendmail()
    {
        At("sendmail").Description = "Sends a message from the standard input, with the options of other mail servers' sendmail (docs/sendmail.md).";
        At("mailq").Description = "Lists the queue as other mail servers' mailq does.";
        At("newaliases").Description = "Does nothing: aliases hold at once.";
    }

    void AddConfig()
    {
        var check = At("check config");
        check.Description = "Checks the configuration; exit code 0 or 78. Changes nothing.";
        check.SetAction(parsed => ConfigCommands.Check(_terminal, new ConfigLoader(_environment), parsed.GetValue(_config), parsed.GetValue(_set) ?? [], parsed.GetValue(_json)));
        var schema = At("config schema");
        schema.Description = "Prints a JSON schema of the configuration file.";
        schema.SetAction(_ => ConfigCommands.Schema(_terminal));
        var reference = At("config reference");
        reference.Description = "Prints docs/configuration.md.";
        reference.SetAction(_ => ConfigCommands.Reference(_terminal));
        var version = At("version");
        version.Description = "Prints the version.";
        version.SetAction(parsed => ConfigCommands.Version(_terminal, parsed.GetValue(_json)));
    }
}
