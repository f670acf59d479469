using WolfScale.Server.Cli;

// Signals belong to the commands: `start` hands over before it ends, `demo` takes its servers down.
return await ProgramRun.InvokeAsync(CommandTree.Create(), args);
