# Several tables, a tag, globals of every kind, custom sections.
	.tabletype __indirect_function_table, funcref
	.tabletype own, externref
	.globl own
own:
	.tabletype imported, externref
	.import_module imported, host
	.import_name imported, table
	.tagtype failure i32
	.globl failure
	.globl counter
	.globaltype counter, i64
counter:
	.globaltype limit, i32, immutable
	.import_module limit, host
	.import_name limit, limit
	.globl _start
	.functype _start () -> ()
	.functype target () -> ()
target:
	.functype target () -> ()
	end_function
_start:
	.functype _start () -> ()
	i32.const 0
	table.get own
	drop
	i32.const 0
	table.get imported
	drop
	i32.const target
	call_indirect __indirect_function_table, () -> ()
	global.get counter
	drop
	global.get limit
	throw failure
	unreachable
	end_function
failure:
	.section .custom_section.first,"",@
	.ascii "1"
	.section .custom_section.second,"",@
	.ascii "2"
