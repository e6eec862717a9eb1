using Posthorn.Cli;

return await new CommandTree(Terminal.System(), Environment.GetEnvironmentVariables()).RunAsync(ProgramName.Prepend(args));
