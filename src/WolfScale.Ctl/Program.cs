using WolfScale.Ctl;

return await ProgramRun.InvokeAsync(CommandTree.Create(), args, onInterrupt: TimeSpan.FromSeconds(2));
