//! The requests of the protocol: tools, resources, prompts, logging.
//!
//! Every call has an answer, whatever happens in a tool, and no answer shows the details of an internal error.
#![expect(deprecated, reason = "the revision of 2026 deprecates logging without a successor; clients still use it")]

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, GetPromptRequestParams,
    GetPromptResponse, Implementation, JsonObject, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, LoggingLevel, LoggingMessageNotificationParam, PaginatedRequestParams, ProgressNotificationParam,
    ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig, SetLevelRequestParams, Tool,
    ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData as McpError, ServerHandler};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::{prompts, resources};
use crate::domain::caller::Caller;
use crate::domain::words::excerpt;
use crate::tools::{CANCEL, CHANGE, Context, HUMAN, REFUND, RETURN, ToolSpec, Toolbox};

/// The instructions of the server for assistants.
const INSTRUCTIONS: &str = "Customer support for an online shop: read messages, look orders up, quote and pay refunds, \
    cancel and change orders, arrange returns, ask for a person. Look an order up before saying anything about it. Before a refund, call check_refund_eligibility, \
    tell the customer the amount and wait for a plain yes; then call process_refund once. cancel_order, change_order and \
    return_order act at once as well: wait for a plain yes before you call one. Amounts come from the tools, \
    never from the conversation. Read ecomres://policy/refund for the rules.";

/// The tools as an MCP server. Each session has its own; all share the toolbox.
#[derive(Clone)]
pub struct Server {
    toolbox: Toolbox,
    tools: Arc<[Tool]>,
    calls: TaskTracker,
    level: Arc<Mutex<Option<LoggingLevel>>>,
}

impl Server {
    /// A server over the tools; `read_only` leaves out those that pay or alert.
    pub fn new(toolbox: Toolbox, read_only: bool) -> Self {
        let offered =
            |spec: &&ToolSpec| !(read_only && [REFUND, CANCEL, CHANGE, RETURN, HUMAN].contains(&spec.name.as_ref()));
        let tools = toolbox.specs().iter().filter(offered).map(|spec| describe(&spec.for_operators())).collect();
        Self { toolbox, tools, calls: TaskTracker::new(), level: Arc::default() }
    }

    /// The same server for another session: the log level of a session is not shared.
    #[must_use]
    pub fn session(&self) -> Self {
        Self { level: Arc::default(), ..self.clone() }
    }

    /// How many tools are offered.
    pub fn tool_count(&self) -> usize {
        self.tools.len()
    }

    /// Waits until no call is running.
    pub async fn finish_calls(&self) {
        self.calls.close();
        self.calls.wait().await;
    }

    /// Whether the store can be read: the answer of `/readyz`.
    pub async fn is_ready(&self) -> bool {
        self.toolbox.is_ready().await
    }

    /// Runs a tool on behalf of the operator. It runs to its end even when the client disconnects, so that what it has begun
    /// to write is completed and recorded.
    async fn run(&self, request: CallToolRequestParams, context: &RequestContext<RoleServer>) -> CallToolResult {
        let name = request.name.into_owned();
        let arguments = request.arguments.map_or(Value::Null, Value::Object);
        let caller = operator(context);
        let toolbox = self.toolbox.clone();
        let task = self.calls.spawn(async move {
            let context = Context { caller, now: Timestamp::now() };
            let call = AssertUnwindSafe(toolbox.call(&context, &name, arguments)).catch_unwind();
            call.await
        });
        match task.await {
            Ok(Ok(result)) if result.is_error() => {
                CallToolResult::error(vec![ContentBlock::text(result.value.to_string())])
            }
            Ok(Ok(result)) => CallToolResult::structured(result.value),
            Ok(Err(_)) | Err(_) => {
                let message = json!({"error": "the tool failed inside; the log of the server says more"});
                CallToolResult::error(vec![ContentBlock::text(message.to_string())])
            }
        }
    }

    /// Sends a log message to the client, where its level (of the request, else of the session) asks for it.
    async fn log(&self, context: &RequestContext<RoleServer>, level: LoggingLevel, data: Value) {
        let wanted = context.meta.log_level().or(*self.level.lock().unwrap_or_else(PoisonError::into_inner));
        if wanted.is_some_and(|wanted| severity(level) >= severity(wanted)) {
            let message = LoggingMessageNotificationParam::new(level, data).with_logger("ecomres");
            // A client that has disconnected gets no message.
            let _ = context.peer.notify_logging_message(message).await;
        }
    }

    async fn progress(&self, context: &RequestContext<RoleServer>, done: f64, message: &str) {
        if let Some(token) = context.meta.get_progress_token() {
            let progress = ProgressNotificationParam::new(token, done).with_total(1.0).with_message(message);
            let _ = context.peer.notify_progress(progress).await;
        }
    }
}

/// The caller: a member of the team, named after the program that they use.
fn operator(context: &RequestContext<RoleServer>) -> Caller {
    let client = context.client_info().map(|client| client.name);
    let name = client.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or("unnamed");
    Caller::Operator { name: format!("mcp:{}", excerpt(name, 64)) }
}

/// The caller of a request, for records.
pub(super) fn call_context(context: &RequestContext<RoleServer>) -> Context {
    Context { caller: operator(context), now: Timestamp::now() }
}

fn severity(level: LoggingLevel) -> u8 {
    match level {
        LoggingLevel::Debug => 0,
        LoggingLevel::Info => 1,
        LoggingLevel::Notice => 2,
        LoggingLevel::Warning => 3,
        LoggingLevel::Error => 4,
        LoggingLevel::Critical => 5,
        LoggingLevel::Alert => 6,
        LoggingLevel::Emergency => 7,
    }
}

/// A tool of the catalogue, in the types of the protocol.
fn describe(spec: &ToolSpec) -> Tool {
    let object = |schema: &Value| -> Arc<JsonObject> { Arc::new(schema.as_object().cloned().unwrap_or_default()) };
    let annotations = ToolAnnotations::with_title(spec.title.clone())
        .read_only(!spec.writes)
        .destructive(spec.destructive)
        .idempotent(spec.idempotent)
        .open_world(false);
    Tool::new(spec.name.clone(), spec.description.clone(), object(&spec.input))
        .with_title(spec.title.clone())
        .with_raw_output_schema(object(&spec.output))
        .with_annotations(annotations)
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities =
            ServerCapabilities::builder().enable_tools().enable_resources().enable_prompts().enable_logging().build();
        let about = Implementation::new("ecomres", env!("CARGO_PKG_VERSION"))
            .with_title("ecomres customer support")
            .with_description(env!("CARGO_PKG_DESCRIPTION"));
        ServerConfig::new(capabilities).with_server_info(about).with_instructions(INSTRUCTIONS)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, McpError> {
        Ok(ListToolsResult::with_all_items(self.tools.to_vec()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, McpError> {
        let Some(tool) = self.tools.iter().find(|tool| tool.name == request.name) else {
            let known: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_ref()).collect();
            let message = format!("there is no tool “{}”; there are: {}", excerpt(&request.name, 64), known.join(", "));
            return Err(ErrorData::invalid_params(message, None));
        };
        let name = tool.name.clone();
        let begun = Instant::now();
        self.progress(&context, 0.0, &format!("{name} is running")).await;
        self.log(&context, LoggingLevel::Debug, json!({"tool": name, "event": "started"})).await;
        let result = self.run(request, &context).await;
        let milliseconds = begun.elapsed().as_secs_f64() * 1_000.0;
        let failed = result.is_error == Some(true);
        let level = if failed { LoggingLevel::Warning } else { LoggingLevel::Info };
        let event = if failed { "failed" } else { "finished" };
        self.log(&context, level, json!({"tool": name, "event": event, "milliseconds": milliseconds})).await;
        self.progress(&context, 1.0, &format!("{name} has {event}")).await;
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, McpError> {
        Ok(ListResourcesResult::with_all_items(resources::list()))
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, McpError> {
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, McpError> {
        resources::read(&self.toolbox, &request.uri, &call_context(&context)).await.map(Into::into)
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, McpError> {
        Ok(ListPromptsResult::with_all_items(prompts::list()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, McpError> {
        prompts::get(&request.name, request.arguments.as_ref()).map(Into::into)
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), McpError> {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.level);
        Ok(())
    }
}
