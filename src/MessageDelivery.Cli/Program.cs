MessageDelivery.Cli.ProcessStart.Prepare();
return await MessageDelivery.Cli.CommandLine.RunAsync(args);
